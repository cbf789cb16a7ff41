/** The activity timeline of a record: calls first of all. New ones appear by themselves. */
import { useId, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Notice, Skeleton } from "../../ui/controls.tsx";
import { formatDuration } from "../../ui/format.ts";
import { Icon, Symbol } from "../../ui/Icon.tsx";
import { useNow } from "../../ui/time.ts";
import { ApiError } from "../data/client.ts";
import {
  moreActivities,
  refreshTimeline,
  reloadTimeline,
  saveRecord,
  useDescribe,
  useTimeline,
} from "../data/records.ts";
import { region } from "../data/session.ts";
import type { Activity, Describe, Field } from "../data/types.ts";
import { FieldValue, Notes, UrlValue } from "./FieldValue.tsx";
import { objectIcon, rowName } from "./names.ts";
import { Composer, type Composed } from "./Composer.tsx";
import { problemsOf } from "./problems.ts";
import {
  callSummary,
  directionOf,
  dueOf,
  kindOf,
  months,
  when,
  type Direction,
  type Kind,
} from "./timeline.ts";
import { toast } from "../shell/toasts.ts";
import { RecordLink } from "../shell/Link.tsx";
import { isRecordId, recordPath } from "../router.ts";
import { objectOfId } from "../data/session.ts";

const MINUTE_MS = 60_000;

const WRITTEN: Composed[] = ["call", "task", "event"];

export function Timeline({ id, object, canLog }: { id: string; object: string; canLog: boolean }): ReactNode {
  const { t } = useTranslation();
  const [writing, setWriting] = useState<Composed | null>(null);
  const { value, error } = useTimeline(id);
  const task = useDescribe("Task").value;
  const now = useNow(MINUTE_MS);
  const [loadingMore, setLoadingMore] = useState(false);
  const headingId = useId();
  const groups = months(value?.records ?? [], now, region());
  const newest = groups[0]?.activities[0]?.Id;

  return (
    <article className="slds-card console-card" aria-labelledby={headingId}>
      <div className="slds-card__header slds-grid">
        <header className="slds-media slds-media_center slds-has-flexi-truncate">
          <div className="slds-media__figure">
            <Icon name="standard:timesheet" size="small" className="slds-icon-standard-timesheet" />
          </div>
          <div className="slds-media__body">
            <h2 className="slds-card__header-title" id={headingId}>
              {t("timeline.title")}
            </h2>
          </div>
        </header>
      </div>
      <div className="slds-card__body slds-card__body_inner" aria-busy={value === null && error === null}>
        {canLog && writing === null && (
          <ul className="record-writing" aria-label={t("activity.write")}>
            {WRITTEN.map((kind) => (
              <li key={kind}>
                <Button icon={WRITING_ICONS[kind]} onClick={() => setWriting(kind)}>
                  {t(`activity.${kind}`)}
                </Button>
              </li>
            ))}
          </ul>
        )}
        {writing !== null && (
          <Composer key={writing} kind={writing} id={id} object={object} onClose={() => setWriting(null)} />
        )}
        {error !== null && value === null && (
          <Notice variant="error">
            {t("timeline.failed")}{" "}
            <button type="button" className="slds-button slds-text-link" onClick={() => refreshTimeline(id)}>
              {t("common.retry")}
            </button>
          </Notice>
        )}
        {value === null && error === null && (
          <div className="console-timeline-skeleton">
            <Skeleton width="70%" />
            <Skeleton width="45%" />
            <Skeleton width="60%" />
          </div>
        )}
        {value !== null && value.upcoming.length > 0 && (
          <section className="slds-m-bottom_small">
            <h3 className="console-month">{t("activity.upcoming")}</h3>
            <ul className="slds-timeline">
              {value.upcoming.map((activity) => (
                <Item
                  key={activity.Id}
                  activity={activity}
                  task={task}
                  now={now}
                  open={false}
                  shownOn={id}
                  upcoming
                />
              ))}
            </ul>
          </section>
        )}
        {value !== null && groups.length === 0 && value.upcoming.length === 0 && (
          <EmptyState icon="utility:call" title={t("timeline.empty")}>
            {t("timeline.empty.hint")}
          </EmptyState>
        )}
        {groups.map((month) => (
          <section key={month.key} className="slds-m-bottom_small">
            <h3 className="console-month">
              <span>{month.label}</span>
              {month.relative !== null && (
                <span className="slds-text-color_weak">{t(`timeline.month.${month.relative}`)}</span>
              )}
            </h3>
            <ul className="slds-timeline">
              {month.activities.map((activity) => (
                <Item
                  key={activity.Id}
                  activity={activity}
                  task={task}
                  now={now}
                  open={activity.Id === newest}
                  shownOn={id}
                />
              ))}
            </ul>
          </section>
        ))}
        {value?.has_more === true && (
          <div className="slds-text-align_center">
            <Button
              disabled={loadingMore}
              onClick={() => {
                setLoadingMore(true);
                void moreActivities(id).finally(() => setLoadingMore(false));
              }}
            >
              {t("timeline.more")}
            </Button>
          </div>
        )}
      </div>
    </article>
  );
}

const WRITING_ICONS: Record<Composed, string> = {
  call: "utility:log_a_call",
  task: "utility:task",
  event: "utility:event",
};

const ITEMS: Record<Kind, { style: string; icon: string; iconClass: string }> = {
  call: {
    style: "slds-timeline__item_call",
    icon: "standard:log_a_call",
    iconClass: "slds-icon-standard-log-a-call",
  },
  event: {
    style: "slds-timeline__item_event",
    icon: "standard:event",
    iconClass: "slds-icon-standard-event",
  },
  task: { style: "slds-timeline__item_task", icon: "standard:task", iconClass: "slds-icon-standard-task" },
};

const DIRECTIONS: Record<Exclude<Direction, null>, string> = {
  inbound: "utility:incoming_call",
  outbound: "utility:outbound_call",
  internal: "utility:call",
};

function Item({
  activity,
  task,
  now,
  open: openFirst,
  shownOn,
  upcoming = false,
}: {
  activity: Activity;
  task: Describe | null;
  now: number;
  open: boolean;
  shownOn: string;
  upcoming?: boolean;
}): ReactNode {
  const { t } = useTranslation();
  const [toggled, setToggled] = useState<boolean | null>(null);
  const open = toggled ?? openFirst;
  const detailsId = useId();
  const kind = kindOf(activity);
  const { style, icon, iconClass } = ITEMS[kind];
  const direction = directionOf(activity);
  const due = upcoming ? dueOf(activity, now, region(), t) : null;
  const subject = activity.Subject ?? t(`timeline.${kind}`);
  const notes = typeof activity["Description"] === "string" ? activity["Description"].trim() : "";

  return (
    <li>
      <div className={`slds-timeline__item_expandable ${style} ${open ? "slds-is-open" : ""}`}>
        <span className="slds-assistive-text">{t(`timeline.${kind}`)}</span>
        <div className="slds-media">
          <div className="slds-media__figure">
            <button
              type="button"
              className="slds-button slds-button_icon"
              aria-controls={detailsId}
              aria-expanded={open}
              aria-label={t("timeline.toggle", { subject })}
              title={t("timeline.toggle", { subject })}
              onClick={() => setToggled(!open)}
            >
              <Symbol
                name="utility:switch"
                className="slds-button__icon slds-timeline__details-action-icon"
              />
            </button>
            <Icon name={icon} size="small" className={`${iconClass} slds-timeline__icon`} />
          </div>
          <div className="slds-media__body">
            <div className="slds-grid slds-grid_align-spread slds-timeline__trigger">
              <div className="slds-grid slds-grid_vertical-align-center slds-truncate_container_75 slds-no-space">
                {kind === "task" && <Complete activity={activity} subject={subject} shownOn={shownOn} />}
                <h4 className="slds-truncate" title={subject}>
                  <RecordLink to={recordPath(kind === "event" ? "Event" : "Task", activity.Id)}>
                    <strong>{subject}</strong>
                  </RecordLink>
                </h4>
              </div>
              <div className="slds-timeline__actions slds-timeline__actions_inline">
                <p className={`slds-timeline__date ${due?.overdue ? "record-overdue" : ""}`}>
                  {due === null ? when(activity, now, region(), t) : due.text}
                </p>
              </div>
            </div>
            {kind === "call" && (
              <p className="slds-m-horizontal_xx-small console-call">
                {direction !== null && (
                  <Symbol
                    name={DIRECTIONS[direction]}
                    className="slds-icon slds-icon_xx-small slds-icon-text-default slds-m-right_xx-small"
                  />
                )}
                {callSummary(activity, t)}
              </p>
            )}
            {!open && notes !== "" && (
              <p className="slds-m-horizontal_xx-small slds-truncate slds-text-color_weak">{notes}</p>
            )}
            {open && (
              <div
                id={detailsId}
                className="slds-box slds-theme_shade slds-m-top_x-small slds-m-horizontal_xx-small slds-p-around_small console-activity"
              >
                <ActivityDetails activity={activity} task={task} shownOn={shownOn} notes={notes} />
              </div>
            )}
          </div>
        </div>
      </div>
    </li>
  );
}

/** The box of a task: marked, the task is done; taken away again, it is open. */
function Complete({
  activity,
  subject,
  shownOn,
}: {
  activity: Activity;
  subject: string;
  shownOn: string;
}): ReactNode {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<boolean | null>(null);
  const done = activity["IsClosed"] === true;
  async function toggle() {
    setWanted(!done);
    try {
      await saveRecord(activity.Id, { Status: done ? "Not Started" : "Completed" });
    } catch (error) {
      const text =
        error instanceof ApiError ? problemsOf(error, null, t).record.join(" ") : t("problem.unknown");
      toast({ variant: "error", text });
    } finally {
      await reloadTimeline(shownOn);
      setWanted(null);
    }
  }
  return (
    <label className="slds-checkbox record-mark slds-m-right_xx-small">
      <input
        type="checkbox"
        checked={wanted ?? done}
        aria-disabled={wanted !== null || undefined}
        aria-label={t("activity.done", { subject })}
        onChange={() => wanted === null && void toggle()}
      />
      <span className="slds-checkbox_faux" />
    </label>
  );
}

const DETAILS = ["CallDisposition", "CallDurationInSeconds", "Status", "ActivityDate"];

function ActivityDetails({
  activity,
  task,
  shownOn,
  notes,
}: {
  activity: Activity;
  task: Describe | null;
  shownOn: string;
  notes: string;
}): ReactNode {
  const { t } = useTranslation();
  const fields = new Map(task?.fields.map((field) => [field.name, field]) ?? []);
  const custom = Object.keys(activity).filter((name) => name.endsWith("__c") && filled(activity[name]));
  const rows: { name: string; label: string; value: ReactNode; wide?: boolean }[] = [];
  for (const parent of ["Who", "What"]) {
    const related = activity[parent];
    if (typeof related !== "object" || related === null) continue;
    const row = related as Record<string, unknown>;
    const relatedId = typeof row["Id"] === "string" ? row["Id"] : "";
    if (!isRecordId(relatedId) || relatedId === shownOn) continue;
    const object = objectOfId(relatedId) ?? "";
    rows.push({
      name: parent,
      label: t(`timeline.${parent}`),
      value: (
        <RecordLink to={recordPath(object, relatedId)}>
          <Icon
            name={objectIcon(object).name}
            size="xx-small"
            className={`${objectIcon(object).className} slds-m-right_xx-small`}
          />
          {rowName(row)}
        </RecordLink>
      ),
    });
  }
  for (const name of DETAILS) {
    if (!filled(activity[name])) continue;
    rows.push({ name, label: labelOf(name, fields, t), value: valueOf(name, activity, fields.get(name)) });
  }
  const owner = activity["Owner"];
  if (typeof owner === "object" && owner !== null) {
    rows.push({
      name: "Owner",
      label: t("timeline.Owner"),
      value: rowName(owner as Record<string, unknown>),
    });
  }
  for (const name of custom) {
    const field = fields.get(name);
    rows.push({
      name,
      label: field?.label ?? name,
      value: valueOf(name, activity, field),
      wide: field?.type === "url" || field?.type === "textarea",
    });
  }
  return (
    <>
      <dl className="console-facts">
        {rows.map((row) => (
          <div key={row.name} className={row.wide ? "console-facts__wide" : undefined}>
            <dt>{row.label}</dt>
            <dd>{row.value}</dd>
          </div>
        ))}
      </dl>
      {notes !== "" && (
        <>
          <div className="console-facts__label">{labelOf("Description", fields, t)}</div>
          <Notes text={notes} />
        </>
      )}
    </>
  );
}

const filled = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== "" && value !== false;

/** Salesforce's own names for these, where the org's are too technical to read. */
const NAMED = new Set(["ActivityDate", "CallDisposition", "CallDurationInSeconds", "Description"]);

function labelOf(name: string, fields: Map<string, Field>, t: (key: string) => string): string {
  return NAMED.has(name) ? t(`timeline.${name}`) : (fields.get(name)?.label ?? t(`timeline.${name}`));
}

function valueOf(name: string, activity: Activity, field: Field | undefined): ReactNode {
  const value = activity[name];
  if (name === "CallDurationInSeconds" && typeof value === "number") return formatDuration(value);
  if (typeof value === "string" && /^https?:\/\//.test(value)) return <UrlValue url={value} />;
  const owner = {
    id: activity.Id,
    object: objectOfId(activity.Id) ?? "Task",
    name: activity.Subject ?? "",
  };
  return (
    <FieldValue type={field?.type ?? "string"} value={value} picklist={field?.picklistValues} owner={owner} />
  );
}
