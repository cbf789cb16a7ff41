/** The history utility: records of today and before, to go back to. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { recentRecords } from "../data/lists.ts";
import { objects, region } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Recent } from "../data/types.ts";
import { recordPath } from "../router.ts";
import { objectIcon, recentName } from "../record/names.ts";
import { RecordLink } from "./Link.tsx";
import { below } from "./workspace.ts";

/** Until the org has noted what is in front; milliseconds. */
const NOTED_MS = 500;

export default function History({ active }: { active: boolean }): ReactNode {
  const { t } = useTranslation();
  const [recent, setRecent] = useState<Recent[] | null>(null);
  const known = useStore(objects);
  const route = useStore(below);
  const id = route.page === "record" ? route.id : "";

  useEffect(() => {
    if (!active) return;
    let shown = true;
    const load = () =>
      void recentRecords().then(
        (found) => shown && setRecent(found),
        () => shown && setRecent((current) => current ?? []),
      );
    load();
    const timer = window.setTimeout(load, NOTED_MS);
    return () => {
      shown = false;
      window.clearTimeout(timer);
    };
  }, [active, id]);

  if (recent !== null && recent.length === 0) {
    return (
      <EmptyState icon="utility:clock" title={t("home.empty")}>
        {t("home.empty.hint")}
      </EmptyState>
    );
  }
  return (
    <ul className="console-recent slds-scrollable_y console-history" aria-label={t("history.records")}>
      {(recent ?? []).map((each) => {
        const icon = objectIcon(each.object);
        return (
          <li key={each.id}>
            <RecordLink className="console-recent__link" to={recordPath(each.object, each.id)}>
              <Icon name={icon.name} size="small" className={icon.className} />
              <span className="slds-truncate">
                <span className="slds-truncate">{recentName(each)}</span>
                <span className="slds-show slds-text-body_small slds-text-color_weak slds-truncate">
                  {known.get(each.object)?.label ?? ""} • {formatDateTime(each.viewed_at, region())}
                </span>
              </span>
            </RecordLink>
          </li>
        );
      })}
    </ul>
  );
}
