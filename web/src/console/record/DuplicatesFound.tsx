/** What a duplicate rule found when somebody saved: the records, and whether to save in spite of them. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { ApiError } from "../data/client.ts";
import type { Alike } from "../data/types.ts";
import { recordPath } from "../router.ts";
import { RecordLink } from "../shell/Link.tsx";
import { FieldValue } from "./FieldValue.tsx";
import { objectIcon, referenceName, rowName } from "./names.ts";

export interface Found {
  message: string;
  allowSave: boolean;
  records: Alike[];
}

/** The duplicates in a refusal; null where it is about something else. */
export function duplicatesIn(error: unknown): Found | null {
  if (!(error instanceof ApiError)) return null;
  const problem = error.problems.find((each) => each.errorCode === "DUPLICATES_DETECTED");
  if (problem === undefined) return null;
  const { duplicates, allow_save } = problem.body;
  return {
    message: problem.message,
    allowSave: allow_save === true,
    records: Array.isArray(duplicates) ? (duplicates as Alike[]) : [],
  };
}

export function DuplicatesFound({
  found,
  saving,
  onSave,
}: {
  found: Found;
  saving: boolean;
  /** Saves in spite of them; null where the rule does not let that happen. */
  onSave: (() => void) | null;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <Notice variant={onSave === null ? "error" : "warning"}>
      <p>
        <strong>{t(onSave === null ? "dup.blocked" : "dup.warning")}</strong> {found.message}
      </p>
      <AlikeList records={found.records} />
      {onSave !== null && (
        <Button onClick={onSave} disabled={saving}>
          {t("dup.save")}
        </Button>
      )}
    </Notice>
  );
}

/** Records that may be the same, with what tells them apart. */
export function AlikeList({ records, newTab = true }: { records: Alike[]; newTab?: boolean }): ReactNode {
  return (
    <ul className="record-alike">
      {records.map((each) => (
        <li key={each.id}>
          <AlikeName alike={each} newTab={newTab} /> <AlikeFacts alike={each} />
        </li>
      ))}
    </ul>
  );
}

function AlikeName({ alike, newTab }: { alike: Alike; newTab: boolean }): ReactNode {
  const icon = objectIcon(alike.object);
  const path = recordPath(alike.object, alike.id);
  const name = (
    <>
      <Icon name={icon.name} size="x-small" className={`${icon.className} slds-m-right_xx-small`} />
      {rowName(alike.record)}
    </>
  );
  return newTab ? (
    <a href={path} target="_blank" rel="noreferrer">
      {name}
    </a>
  ) : (
    <RecordLink to={path}>{name}</RecordLink>
  );
}

const FACTS = 3;

/** A few fields of a record in one line, the name left out. */
export function AlikeFacts({ alike }: { alike: Alike }): ReactNode {
  const owner = { id: alike.id, object: alike.object, name: rowName(alike.record) };
  const facts = alike.columns
    .filter(({ api_name: name, type }) => {
      const value = alike.record[name];
      return name !== "Name" && type !== "boolean" && value !== null && value !== undefined && value !== "";
    })
    .slice(0, FACTS);
  return (
    <span className="slds-text-color_weak record-alike__facts">
      {facts.map(({ api_name: name, type }) => {
        const value = alike.record[name];
        const target = typeof value === "string" ? alike.references[value] : undefined;
        return (
          <span key={name}>
            <FieldValue
              type={type}
              value={target === undefined ? value : referenceName(target)}
              owner={owner}
            />
          </span>
        );
      })}
    </span>
  );
}
