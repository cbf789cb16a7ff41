/** The page of one record: highlights, details, activity. */
import { useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Notice, Skeleton } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { refresh, useDescribe, useRecord } from "../data/records.ts";
import { objectOfId, objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Describe, RecordView } from "../data/types.ts";
import { listPath } from "../router.ts";
import { Link } from "../shell/Link.tsx";
import { closeTab, titleTab } from "../shell/workspace.ts";
import { Details } from "./Details.tsx";
import { FieldValue } from "./FieldValue.tsx";
import { objectIcon, referenceName, rowName } from "./names.ts";
import { Timeline } from "./Timeline.tsx";

export default function RecordPage({ id, object }: { id: string; object: string }): ReactNode {
  const { t } = useTranslation();
  const { value, error } = useRecord(id);
  const name = value?.object ?? (object === "" ? objectOfId(id) : object);
  const { value: description } = useDescribe(name);

  const title = value === null ? "" : rowName(value.record);
  useEffect(() => {
    if (title !== "") titleTab(id, title);
    else if (error !== null && !error.passing) titleTab(id, t("tab.missing"));
  }, [id, title, error, t]);

  if (value === null && error !== null)
    return <Missing id={id} object={name ?? ""} passing={error.passing} status={error.status} />;

  return (
    <div className="console-record">
      <Highlights id={id} object={name ?? ""} view={value} description={description} />
      {error !== null && (
        <div className="slds-m-bottom_x-small">
          <Notice variant="warning">{t("record.stale")}</Notice>
        </div>
      )}
      <div className={ACTIVITIES.has(name ?? "") ? "console-record__column" : "console-record__columns"}>
        {value !== null && description !== null ? (
          <Details id={id} view={value} description={description} />
        ) : (
          <article className="slds-card console-card" aria-busy="true">
            <div className="slds-card__body slds-card__body_inner console-skeleton-fields">
              {Array.from({ length: 10 }, (_, index) => (
                <Skeleton key={index} width={index % 2 === 0 ? "40%" : "75%"} />
              ))}
            </div>
          </article>
        )}
        {!ACTIVITIES.has(name ?? "") && <Timeline id={id} />}
      </div>
    </div>
  );
}

/** Activities have none of their own. */
const ACTIVITIES = new Set(["Event", "Task"]);

/** Fields an agent reads first, by object; those the object does not have are left out. */
const HIGHLIGHTS: Record<string, string[]> = {
  Account: ["Phone", "Website", "Type", "Industry", "OwnerId"],
  Case: ["Status", "Priority", "ContactId", "OwnerId"],
  Contact: ["AccountId", "Title", "Phone", "MobilePhone", "Email"],
  Lead: ["Company", "Title", "Phone", "MobilePhone", "Email"],
  Event: ["WhoId", "WhatId", "StartDateTime", "OwnerId"],
  Task: ["WhoId", "WhatId", "Status", "CallType", "CallDisposition", "OwnerId"],
  Opportunity: ["AccountId", "StageName", "CloseDate", "OwnerId"],
};

function Highlights({
  id,
  object,
  view,
  description,
}: {
  id: string;
  object: string;
  view: RecordView | null;
  description: Describe | null;
}): ReactNode {
  const info = useStore(objects).get(object);
  const icon = objectIcon(object);
  const chosen = HIGHLIGHTS[object] ?? ["CreatedDate", "OwnerId"];
  const name = view === null ? "" : rowName(view.record);
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
                    <span>{view?.label ?? info?.label ?? object}</span>
                    <span className="slds-page-header__title slds-truncate" title={name}>
                      {view === null ? <Skeleton width="12rem" /> : name}
                    </span>
                  </h1>
                </div>
              </div>
            </div>
          </div>
        </div>
      </div>
      <div className="slds-page-header__row slds-page-header__row_gutters">
        <div className="slds-page-header__col-details">
          <dl className="slds-page-header__detail-row">
            {chosen.map((fieldName) => {
              const field = description?.fields.find((each) => each.name === fieldName);
              if (description !== null && field === undefined) return null;
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

function Missing({
  id,
  object,
  passing,
  status,
}: {
  id: string;
  object: string;
  passing: boolean;
  status: number;
}): ReactNode {
  const { t } = useTranslation();
  const info = useStore(objects).get(object);
  if (passing) {
    return (
      <div className="slds-card console-card">
        <EmptyState
          icon="utility:warning"
          heading
          title={t("record.failed")}
          action={<Button onClick={() => void refresh(id)}>{t("common.retry")}</Button>}
        >
          {t(status === 0 ? "problem.network" : "problem.server")}
        </EmptyState>
      </div>
    );
  }
  return (
    <div className="slds-card console-card">
      <EmptyState
        icon="utility:search"
        heading
        title={t("record.missing")}
        action={
          <span className="console-actions">
            <Button onClick={() => closeTab(id)}>{t("record.missing.close")}</Button>
            {info !== undefined && (
              <Link className="slds-button slds-button_brand" to={listPath(object)}>
                {t("record.missing.list", { label: info.labelPlural })}
              </Link>
            )}
          </span>
        }
      >
        {t("record.missing.hint")}
      </EmptyState>
    </div>
  );
}
