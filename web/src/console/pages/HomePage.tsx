/** The home page: who is here, what is to be done today, and the records of last time. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Notice, Skeleton } from "../../ui/controls.tsx";
import { formatDate, personName } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { recentRecords } from "../data/lists.ts";
import { watchChanges } from "../data/live.ts";
import { nameOrder, objectOfId, objects, region, session } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import { completeTask, MOST_TASKS, openTasks, reopenTask, type Due, type OpenTask } from "../data/tasks.ts";
import type { Recent, Row } from "../data/types.ts";
import { listPath, navigate, recordPath } from "../router.ts";
import { objectIcon, recentName, rowName } from "../record/names.ts";
import { problemsOf } from "../record/problems.ts";
import { Link, RecordLink } from "../shell/Link.tsx";
import { onRefresh } from "../shell/refresh.ts";
import { toast } from "../shell/toasts.ts";
import { openNew } from "../shell/workspace.ts";

export default function HomePage(): ReactNode {
  const { t } = useTranslation();
  const { user, org } = session();
  const name = personName(
    { Name: user.name, FirstName: user.first_name, LastName: user.last_name },
    nameOrder(),
  );
  return (
    <div className="console-home">
      <header className="slds-page-header console-highlights">
        <div className="slds-media slds-media_center">
          <div className="slds-media__figure">
            <Icon name="standard:home" size="page-header" className="slds-icon-standard-home" />
          </div>
          <div className="slds-media__body">
            <h1>
              <span>{org.label}</span>
              <span className="slds-page-header__title slds-truncate">{t("home.welcome", { name })}</span>
            </h1>
          </div>
        </div>
      </header>
      <div className="console-home__columns">
        <Tasks />
        <RecentRecords />
      </div>
    </div>
  );
}

const DUES: readonly Due[] = ["today", "overdue", "upcoming", "all"];
const SETTLE_MS = 600;

function Tasks(): ReactNode {
  const { t } = useTranslation();
  const [due, setDue] = useState<Due>("today");
  const [tasks, setTasks] = useState<OpenTask[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  const known = useStore(objects);
  const createable = known.get("Task")?.createable !== false;

  useEffect(() => {
    const controller = new AbortController();
    openTasks(due, controller.signal).then(
      (found) => {
        setTasks(found);
        setProblem(null);
      },
      (error: unknown) => {
        if (!controller.signal.aborted)
          setProblem(problemsOf(error, null, t).record[0] ?? t("problem.network"));
      },
    );
    return () => controller.abort();
  }, [due, turn, t]);

  useEffect(() => {
    let timer = 0;
    const again = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => setTurn((current) => current + 1), SETTLE_MS);
    };
    const stop = [
      watchChanges((change) => (change === null || change.object === "Task") && again()),
      onRefresh(again),
    ];
    return () => {
      window.clearTimeout(timer);
      for (const each of stop) each();
    };
  }, []);

  function complete(task: OpenTask) {
    setTasks((current) => current?.filter((each) => each.Id !== task.Id) ?? null);
    const fail = (error: unknown) => {
      setTurn((current) => current + 1);
      toast({ variant: "error", text: problemsOf(error, null, t).record[0] ?? t("problem.unknown") });
    };
    completeTask(task.Id).then(
      () =>
        toast({
          variant: "success",
          text: t("home.tasks.done", { subject: task.Subject ?? "" }),
          action: {
            label: t("mass.undo"),
            run: () => void reopenTask(task.Id).then(() => setTurn((current) => current + 1), fail),
          },
        }),
      fail,
    );
  }

  return (
    <section className="slds-card console-card" aria-labelledby="home-tasks">
      <div className="slds-card__header slds-grid console-home__header">
        <h2 className="slds-card__header-title" id="home-tasks">
          {t(`home.tasks.${due}`)}
        </h2>
        <div className="slds-select_container">
          <select
            className="slds-select"
            aria-label={t("home.tasks.show")}
            value={due}
            onChange={(event) => {
              setTasks(null);
              setDue(event.target.value as Due);
            }}
          >
            {DUES.map((each) => (
              <option key={each} value={each}>
                {t(`home.tasks.option.${each}`)}
              </option>
            ))}
          </select>
        </div>
        {createable && (
          <Button onClick={() => openNew("Task", { ActivityDate: today() })}>{t("home.tasks.new")}</Button>
        )}
      </div>
      <div className="slds-card__body">
        {problem !== null ? (
          <div className="slds-p-horizontal_medium">
            <Notice variant="error">{problem}</Notice>
          </div>
        ) : tasks === null ? (
          <div className="slds-p-horizontal_medium console-timeline-skeleton">
            <Skeleton width="60%" />
            <Skeleton width="45%" />
          </div>
        ) : tasks.length === 0 ? (
          <EmptyState icon="utility:task" title={t(`home.tasks.none.${due}`)}>
            {t("home.tasks.hint")}
          </EmptyState>
        ) : (
          <ul className="console-tasks">
            {tasks.map((task) => (
              <li key={task.Id}>
                <label className="slds-checkbox console-check">
                  <input type="checkbox" checked={false} onChange={() => complete(task)} />
                  <span className="slds-checkbox_faux" />
                  <span className="slds-assistive-text">
                    {t("home.tasks.complete", { subject: task.Subject ?? "" })}
                  </span>
                </label>
                <div className="console-tasks__what">
                  <RecordLink className="slds-truncate" to={recordPath("Task", task.Id)}>
                    {task.Subject ?? t("timeline.task")}
                  </RecordLink>
                  <span className="slds-text-body_small slds-truncate">
                    <Related row={task.Who} id={task.WhoId} />
                    {task.Who !== null && task.What !== null && " • "}
                    <Related row={task.What} id={task.WhatId} />
                  </span>
                </div>
                {task.Priority === "High" && (
                  <Icon name="utility:priority" size="x-small" tone="error" label={t("home.tasks.high")} />
                )}
                <span className="slds-text-color_weak console-tasks__day">
                  {task.ActivityDate === null ? "" : formatDate(task.ActivityDate, region())}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <footer className="slds-card__footer">
        <Link className="slds-card__footer-action" to={`${listPath("Task")}?filterName=MyOpenTask`}>
          {t(tasks !== null && tasks.length >= MOST_TASKS ? "home.tasks.most" : "home.tasks.more", {
            count: MOST_TASKS,
          })}
        </Link>
      </footer>
    </section>
  );
}

/** Today where the user is, as the org writes days. */
const today = (): string =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: region().timeZone, dateStyle: "short" }).format(new Date());

function Related({ row, id }: { row: Row | null; id: string | null }): ReactNode {
  if (row === null || id === null) return null;
  return <RecordLink to={recordPath(objectOfId(id) ?? "", id)}>{rowName(row)}</RecordLink>;
}

function RecentRecords(): ReactNode {
  const { t } = useTranslation();
  const [recent, setRecent] = useState<Recent[] | null>(null);
  const known = useStore(objects);

  useEffect(() => {
    let shown = true;
    recentRecords().then(
      (found) => shown && setRecent(found),
      () => shown && setRecent([]),
    );
    return () => {
      shown = false;
    };
  }, []);

  return (
    <section className="slds-card console-card">
      <div className="slds-card__header slds-grid">
        <h2 className="slds-card__header-title">{t("home.recent")}</h2>
      </div>
      <div className="slds-card__body">
        {recent === null ? (
          <div className="slds-p-horizontal_medium console-timeline-skeleton">
            <Skeleton width="50%" />
            <Skeleton width="40%" />
          </div>
        ) : recent.length === 0 ? (
          <EmptyState
            icon="utility:people"
            title={t("home.empty")}
            action={
              <Button variant="brand" onClick={() => navigate(listPath("Contact"))}>
                {t("home.open", { label: known.get("Contact")?.labelPlural ?? t("nav.Contact") })}
              </Button>
            }
          >
            {t("home.empty.hint")}
          </EmptyState>
        ) : (
          <ul className="console-recent">
            {recent.slice(0, 15).map((each) => {
              const icon = objectIcon(each.object);
              return (
                <li key={each.id}>
                  <RecordLink className="console-recent__link" to={recordPath(each.object, each.id)}>
                    <Icon name={icon.name} size="small" className={icon.className} />
                    <span className="slds-truncate">{recentName(each)}</span>
                  </RecordLink>
                  <span className="slds-text-color_weak console-recent__object">
                    {known.get(each.object)?.label ?? ""}
                  </span>
                </li>
              );
            })}
          </ul>
        )}
      </div>
    </section>
  );
}
