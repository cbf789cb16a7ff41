/** The head of a record's page: what it is, what may be done with it, what one reads first. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Menu, Skeleton, type MenuItem } from "../../ui/controls.tsx";
import { Icon, Symbol } from "../../ui/Icon.tsx";
import { objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Describe, RecordView } from "../data/types.ts";
import { FieldValue } from "./FieldValue.tsx";
import { objectIcon, referenceName, rowName } from "./names.ts";

/** What stands above a record's page until it is done. */
export type RecordAction = "delete" | "owner" | "merge" | "convert";

export function Highlights({
  id,
  object,
  view,
  description,
  onEdit,
  onAction,
}: {
  id: string;
  object: string;
  view: RecordView | null;
  description: Describe | null;
  onEdit: () => void;
  onAction: (action: RecordAction) => void;
}): ReactNode {
  const { t } = useTranslation();
  const info = useStore(objects).get(object);
  const icon = objectIcon(object);
  const name = view === null ? "" : rowName(view.record);
  const label = view?.label ?? info?.label ?? object;
  const more: MenuItem[] = [];
  if (view?.can_merge) {
    more.push({ key: "merge", label: t("action.merge"), onSelect: () => onAction("merge") });
  }
  if (view?.can_delete) {
    more.push({ key: "delete", label: t("action.delete"), onSelect: () => onAction("delete") });
  }
  return (
    <header className="slds-page-header slds-page-header_record-home console-highlights">
      <div className="slds-page-header__row">
        <div className="slds-page-header__col-title">
          <div className="slds-media">
            <div className="slds-media__figure">
              <Icon name={icon.name} size="page-header" className={icon.className} />
            </div>
            <div className="slds-media__body">
              <div className="slds-page-header__name">
                <div className="slds-page-header__name-title">
                  <h1>
                    <span>
                      {label}
                      {view?.record_type != null && ` • ${view.record_type.name}`}
                    </span>
                    <span className="slds-page-header__title slds-truncate" title={name}>
                      {view === null ? <Skeleton width="12rem" /> : name}
                    </span>
                  </h1>
                </div>
              </div>
            </div>
          </div>
        </div>
        <div className="slds-page-header__col-actions">
          <div className="slds-page-header__controls">
            <div className="slds-page-header__control">
              <ul className="slds-button-group-list" aria-label={t("action.list", { label })}>
                {view?.can_convert && (
                  <li>
                    <Button onClick={() => onAction("convert")}>{t("action.convert")}</Button>
                  </li>
                )}
                {view?.can_edit && (
                  <li>
                    <Button onClick={onEdit} aria-keyshortcuts="e">
                      {t("record.edit")}
                    </Button>
                  </li>
                )}
                {view?.can_change_owner && (
                  <li>
                    <Button onClick={() => onAction("owner")}>{t("action.owner")}</Button>
                  </li>
                )}
                {more.length > 0 && (
                  <li>
                    <Menu
                      label={t("action.more")}
                      align="right"
                      trigger={<Symbol name="utility:down" className="slds-button__icon" />}
                      triggerClassName="slds-button slds-button_icon slds-button_icon-border-filled"
                      items={more}
                    />
                  </li>
                )}
              </ul>
            </div>
          </div>
        </div>
      </div>
      <div className="slds-page-header__row slds-page-header__row_gutters">
        <div className="slds-page-header__col-details">
          <dl className="slds-page-header__detail-row">
            {(view?.highlights ?? WAITING).map((fieldName) => {
              const field = description?.fields.find((each) => each.name === fieldName);
              if (view !== null && description !== null && field === undefined) return null;
              const value = view?.record[fieldName];
              const target = typeof value === "string" ? view?.references[value] : undefined;
              return (
                <div key={fieldName} className="slds-page-header__detail-block">
                  <dt className="slds-text-title slds-truncate" title={field?.label}>
                    {field?.label ?? <Skeleton width="4rem" />}
                  </dt>
                  <dd className="slds-truncate">
                    {view === null || field === undefined ? (
                      <Skeleton width="6rem" />
                    ) : (
                      <FieldValue
                        type={field.type}
                        value={value}
                        owner={{ id, object, name }}
                        picklist={field.picklistValues}
                        reference={
                          target === undefined || typeof value !== "string"
                            ? undefined
                            : { id: value, object: target.object, name: referenceName(target) }
                        }
                      />
                    )}
                  </dd>
                </div>
              );
            })}
          </dl>
        </div>
      </div>
    </header>
  );
}

const WAITING = ["1", "2", "3", "4"];
