/** An address that this console does not have: what it is called in Salesforce, what is supported, where to go. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "../../ui/controls.tsx";
import { objectOfId } from "../data/session.ts";
import { isRecordId, pathOf, recordPath } from "../router.ts";
import { Link } from "../shell/Link.tsx";

/** What an address is of, by how it begins. */
const KINDS: readonly [RegExp, string][] = [
  [/^\/(apex|visualforce)\//, "visualforce"],
  [/^\/(setup|ui\/setup|p\/setup)(\/|$)/, "setup"],
  [/^\/lightning\/(n|cmp|app)\//, "component"],
  [/^\/lightning\/r\/Report|^\/lightning\/r\/Dashboard|^\/(00O|01Z)/, "report"],
  [/^\/lightning\//, "lightning"],
];

export default function UnknownPage({ path }: { path: string }): ReactNode {
  const { t } = useTranslation();
  // Classic's address of a record is its bare id.
  const id = path.replace(/^\//, "");
  const object = isRecordId(id) ? objectOfId(id) : null;
  const kind = KINDS.find(([begins]) => begins.test(path))?.[1] ?? "classic";
  return (
    <div className="slds-card console-card">
      <EmptyState
        icon="utility:search"
        heading
        title={t("unknown.title")}
        action={
          <span className="console-actions">
            {object !== null && (
              <Link className="slds-button slds-button_brand" to={recordPath(object, id)}>
                {t("unknown.record")}
              </Link>
            )}
            <Link className="slds-button slds-button_neutral" to={pathOf({ page: "home" })}>
              {t("unknown.home")}
            </Link>
          </span>
        }
      >
        <p className="console-unknown__path">{path}</p>
        <p>{t(`unknown.${kind}`)}</p>
        <p className="slds-m-top_x-small">{t("unknown.hint")}</p>
      </EmptyState>
    </div>
  );
}
