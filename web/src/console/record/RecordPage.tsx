/** The page of one record: highlights, path, details and related records, activity; and what is done with it. */
import {
  lazy,
  Suspense,
  useCallback,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
} from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Notice, Skeleton } from "../../ui/controls.tsx";
import { duplicatesOf, refresh, useDescribe, useRecord } from "../data/records.ts";
import { objectOfId, objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { RecordView } from "../data/types.ts";
import { listPath, recordPath } from "../router.ts";
import { Link, RecordLink } from "../shell/Link.tsx";
import { closeTab, dropTab, titleTab } from "../shell/workspace.ts";
import { Details } from "./Details.tsx";
import { laidOut } from "./layout.ts";
import { Highlights, type RecordAction } from "./Highlights.tsx";
import { referenceName, rowName } from "./names.ts";
import { PathBar } from "./PathBar.tsx";
import { RelatedLists } from "./RelatedLists.tsx";
import { Timeline } from "./Timeline.tsx";
import "./record.css";

const Dialogs = lazy(() => import("./RecordDialogs.tsx"));

export default function RecordPage({ id, object }: { id: string; object: string }): ReactNode {
  const { t } = useTranslation();
  const { value, error } = useRecord(id);
  const name = value?.object ?? (object === "" ? objectOfId(id) : object);
  const { value: whole } = useDescribe(name);
  const description = useMemo(
    () =>
      whole === null || value === null
        ? whole
        : laidOut(whole, value.fields, value.picklists, value.record["IsPersonAccount"] === true),
    [whole, value],
  );
  const [editAsked, setEditAsked] = useState(0);
  const [action, setAction] = useState<RecordAction | null>(null);

  const title = value === null ? "" : rowName(value.record);
  useEffect(() => {
    if (title !== "") titleTab(id, title);
    else if (error !== null && !error.passing) titleTab(id, t("tab.missing"), { missing: true });
  }, [id, title, error, t]);

  const missing = value === null && error !== null && !error.passing;
  useEffect(() => (missing ? () => dropTab(id) : undefined), [missing, id]);

  if (value === null && error !== null)
    return <Missing id={id} object={name ?? ""} passing={error.passing} status={error.status} />;

  const withActivity = !ACTIVITIES.has(name ?? "") && name !== "User";
  return (
    <div className="console-record">
      <Highlights
        id={id}
        object={name ?? ""}
        view={value}
        description={description}
        onEdit={() => setEditAsked((current) => current + 1)}
        onAction={setAction}
      />
      {value !== null && <ConvertedNotice view={value} />}
      {value?.path != null && description !== null && (
        <PathBar
          id={id}
          view={value}
          path={value.path}
          description={description}
          onConvert={() => setAction("convert")}
        />
      )}
      {error !== null && (
        <div className="slds-m-bottom_x-small">
          <Notice variant="warning">{t("record.stale")}</Notice>
        </div>
      )}
      <div className={withActivity ? "console-record__columns" : "console-record__column"}>
        <article className="slds-card console-card" aria-busy={value === null || description === null}>
          {value !== null && description !== null ? (
            <Tabs
              editAsked={editAsked}
              details={(onEditing) => (
                <Details
                  id={id}
                  view={value}
                  description={description}
                  editAsked={editAsked}
                  onEditing={onEditing}
                />
              )}
              related={() => <RelatedLists id={id} view={value} />}
            />
          ) : (
            <div className="slds-card__body slds-card__body_inner console-skeleton-fields">
              {Array.from({ length: 10 }, (_, index) => (
                <Skeleton key={index} width={index % 2 === 0 ? "40%" : "75%"} />
              ))}
            </div>
          )}
        </article>
        {withActivity && (
          <div className="record-side">
            {value?.can_merge === true && (
              <DuplicatesNotice id={id} view={value} onShow={() => setAction("merge")} />
            )}
            <Timeline id={id} object={name ?? ""} canLog={value?.can_log === true} />
          </div>
        )}
      </div>
      {action !== null && value !== null && description !== null && (
        <Suspense fallback={null}>
          <Dialogs
            action={action}
            id={id}
            view={value}
            description={description}
            onClose={() => setAction(null)}
          />
        </Suspense>
      )}
    </div>
  );
}

/** Activities have none of their own. */
const ACTIVITIES = new Set(["Event", "Task"]);

type TabName = "details" | "related";
const TABS: TabName[] = ["details", "related"];

/** Details and related lists behind two tabs; what is typed in one stays while the other is shown. */
function Tabs({
  editAsked,
  details,
  related,
}: {
  editAsked: number;
  details: (onEditing: () => void) => ReactNode;
  related: () => ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  const [shown, setShown] = useState<TabName>("details");
  const [seen, setSeen] = useState(false);
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const toDetails = useCallback(() => setShown("details"), []);
  useEffect(() => {
    if (editAsked > 0) setShown("details");
  }, [editAsked]);

  function open(name: TabName) {
    if (name === "related") setSeen(true);
    setShown(name);
  }
  function onKeyDown(event: KeyboardEvent) {
    const at = TABS.indexOf(shown);
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const to = TABS[(at + step + TABS.length) % TABS.length];
    if (step === 0 || to === undefined) return;
    event.preventDefault();
    open(to);
    list.current?.querySelector<HTMLElement>(`[data-tab="${to}"]`)?.focus();
  }
  return (
    <div className="slds-tabs_default record-tabs">
      <ul ref={list} className="slds-tabs_default__nav" role="tablist">
        {TABS.map((name) => (
          <li
            key={name}
            role="presentation"
            className={`slds-tabs_default__item ${shown === name ? "slds-is-active" : ""}`}
          >
            <a
              className="slds-tabs_default__link"
              role="tab"
              href="#"
              id={`${id}-${name}`}
              data-tab={name}
              tabIndex={shown === name ? 0 : -1}
              aria-selected={shown === name}
              aria-controls={`${id}-${name}-panel`}
              onKeyDown={onKeyDown}
              onClick={(event) => {
                event.preventDefault();
                open(name);
              }}
            >
              {t(`record.${name}`)}
            </a>
          </li>
        ))}
      </ul>
      <div
        id={`${id}-details-panel`}
        role="tabpanel"
        aria-labelledby={`${id}-details`}
        className="record-tabs__panel"
        hidden={shown !== "details"}
      >
        {details(toDetails)}
      </div>
      <div
        id={`${id}-related-panel`}
        role="tabpanel"
        aria-labelledby={`${id}-related`}
        className="record-tabs__panel"
        hidden={shown !== "related"}
      >
        {seen && related()}
      </div>
    </div>
  );
}

/** A lead that was converted can only be read; here is what it became. */
function ConvertedNotice({ view }: { view: RecordView }): ReactNode {
  const { t } = useTranslation();
  if (view.object !== "Lead" || view.record["IsConverted"] !== true) return null;
  const made = ["ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"].flatMap((field) => {
    const id = view.record[field];
    const target = typeof id === "string" ? view.references[id] : undefined;
    return typeof id === "string" && target !== undefined ? [{ id, target }] : [];
  });
  return (
    <div className="slds-m-bottom_x-small">
      <Notice variant="info">
        {t("convert.was")}{" "}
        {made.map(({ id, target }, index) => (
          <span key={id}>
            {index > 0 && t("form.comma")}
            <RecordLink to={recordPath(target.object, id)}>{referenceName(target)}</RecordLink>
          </span>
        ))}
      </Notice>
    </div>
  );
}

/** Looked for when the page is there, so that nobody waits for it. */
const LATER_MS = 400;

function DuplicatesNotice({
  id,
  view,
  onShow,
}: {
  id: string;
  view: RecordView;
  onShow: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [count, setCount] = useState(0);
  const version = view.version;
  useEffect(() => {
    let wanted = true;
    const timer = window.setTimeout(() => {
      duplicatesOf(id, false).then(
        (found) => {
          if (wanted) setCount(found.filter((each) => each.object === view.object).length);
        },
        () => undefined,
      );
    }, LATER_MS);
    return () => {
      wanted = false;
      window.clearTimeout(timer);
    };
  }, [id, version, view.object]);
  if (count === 0) return null;
  return (
    <div className="slds-m-bottom_small">
      <Notice variant="warning">
        {t("dup.card", { label: view.label, count })}{" "}
        <Button variant="base" className="slds-text-link" onClick={onShow}>
          {t("dup.show")}
        </Button>
      </Notice>
    </div>
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
