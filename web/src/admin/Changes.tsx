/** Who changed what, from what, to what; the newest change first. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { formatDateTime } from "../ui/format.ts";
import { useRegion } from "./words.tsx";

export interface Change {
  id: string;
  at: string;
  /** Empty: the operator. */
  by: string;
  changes: Record<string, [unknown, unknown]>;
}

export function ChangeList({
  changes,
  label,
  word,
}: {
  changes: readonly Change[];
  label: (name: string) => string;
  /** The words for a value; yes, no and nothing have theirs already. */
  word: (name: string, value: unknown) => string;
}): ReactNode {
  const { t } = useTranslation();
  const region = useRegion();
  const say = (name: string, value: unknown): string => {
    if (value === true) return t("account.yes");
    if (value === false) return t("account.no");
    if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) return "–";
    return word(name, value);
  };
  if (changes.length === 0) return <p className="ad-weak">{t("account.changes.none")}</p>;
  return (
    <ul className="ad-changes">
      {changes.map((each) => (
        <li key={each.id}>
          <span className="ad-weak">
            {formatDateTime(each.at, region)} · {each.by || t("account.operator")}
          </span>
          {Object.entries(each.changes).map(([name, [before, after]]) => (
            <div key={name}>
              {label(name)}: {before === null ? "" : `${say(name, before)} → `}
              {say(name, after)}
            </div>
          ))}
        </li>
      ))}
    </ul>
  );
}
