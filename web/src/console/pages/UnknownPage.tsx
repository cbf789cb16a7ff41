/** An address that this console does not have, and where to go from here. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "../../ui/controls.tsx";
import { objectOfId } from "../data/session.ts";
import { isRecordId, pathOf, recordPath } from "../router.ts";
import { Link } from "../shell/Link.tsx";

export default function UnknownPage({ path }: { path: string }): ReactNode {
  const { t } = useTranslation();
  // Classic's address of a record is its bare id.
  const id = path.replace(/^\//, "");
  const object = isRecordId(id) ? objectOfId(id) : null;
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
        {t("unknown.hint", { path })}
      </EmptyState>
    </div>
  );
}
