/** A list of an object's records by one of its views: search, sort, conditions, and more rows as one scrolls. */
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, IconButton, Notice } from "../../../ui/controls.tsx";
import { formatNumber } from "../../../ui/format.ts";
import { Icon, Symbol } from "../../../ui/Icon.tsx";
import { isConsole } from "../../data/apps.ts";
import { listViews, pinView, type ListQuery } from "../../data/lists.ts";
import { useDescribe } from "../../data/records.ts";
import { objects, region } from "../../data/session.ts";
import { useStore } from "../../data/store.ts";
import type { ListView, ListViews, ObjectInfo } from "../../data/types.ts";
import { navigate } from "../../router.ts";
import { objectIcon } from "../../record/names.ts";
import { problemsOf } from "../../record/problems.ts";
import { splitOpen } from "../../shell/split.ts";
import { toast } from "../../shell/toasts.ts";
import { openNew } from "../../shell/workspace.ts";
import { Conditions } from "./Conditions.tsx";
import { ListTable } from "./ListTable.tsx";
import { MassActions } from "./MassActions.tsx";
import { RECENT, viewOf } from "./recent.ts";
import { asLeft, useList, type Shown } from "./useList.ts";
import { ViewDialogs, ViewMenu, type ViewTask } from "./ViewMenu.tsx";
import { ViewPicker } from "./ViewPicker.tsx";

const TYPING_MS = 150;
/** Id of a view that was made just now, until its page is drawn. */
let newView: string | null = null;

function beginsWithFilters(filter: string): boolean {
  const begins = newView === filter;
  newView = null;
  return begins;
}

export default function ListPage({ object, filter }: { object: string; filter: string }): ReactNode {
  const { t } = useTranslation();
  const known = useStore(objects);
  const info = known.get(object);
  const wanted = viewOf(filter);
  const [query, setQuery] = useState<ListQuery>(
    () => asLeft(object, wanted)?.query ?? { view: wanted, search: "", sort: "", dir: "asc" },
  );
  const { shown, failed, busy, more, again } = useList(object, query);
  const [typed, setTyped] = useState(query.search);
  const [views, setViews] = useState<ListViews | null>(null);
  const [task, setTask] = useState<ViewTask | null>(null);
  const [filtering, setFiltering] = useState(() => beginsWithFilters(filter));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const scroller = useRef<HTMLDivElement>(null);
  const titleId = useId();
  const label = info?.labelPlural ?? t(`nav.${object}`, { defaultValue: object });
  const icon = objectIcon(object);
  const view = shown?.view ?? null;
  const recent = shown !== null ? view === null : wanted === RECENT;

  function loadViews() {
    listViews(object).then(setViews, () => undefined);
  }
  // Nobody waits for the names of the other views: the rows come first.
  const waiting = shown === null && failed === null;
  useEffect(() => {
    if (!waiting) listViews(object).then(setViews, () => undefined);
  }, [object, waiting]);

  // A person types faster than a list is worth asking for.
  useEffect(() => {
    if (typed === query.search) return;
    const timer = window.setTimeout(() => setQuery((current) => ({ ...current, search: typed })), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [typed, query.search]);

  useLayoutEffect(() => {
    const before = asLeft(object, wanted);
    if (scroller.current !== null && before !== null) scroller.current.scrollTop = before.scroll;
    // Once, when the list comes back.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  function onScroll() {
    const at = scroller.current;
    if (at === null || shown === null) return;
    shown.scroll = at.scrollTop;
    if (at.scrollHeight - at.scrollTop - at.clientHeight < 400) more();
  }

  const { value: description } = useDescribe(known.size === 0 || info !== undefined ? object : null);
  const fields = useMemo(
    () => new Map(description?.fields.map((field) => [field.name, field])),
    [description],
  );
  if (known.size > 0 && info === undefined) return <UnknownObject object={object} />;

  const rows = shown?.rows ?? [];
  const title = recent ? t("list.recent") : (view?.label ?? "");
  const pinned = views !== null && (recent ? views.pinned === RECENT : views.pinned === view?.id);

  function togglePin() {
    pinView(object, pinned ? null : recent ? RECENT : (view?.id ?? null)).then(
      () => {
        loadViews();
        toast({ variant: "success", text: t(pinned ? "list.unpinned" : "list.pinned", { label: title }) });
      },
      (error: unknown) => toast({ variant: "error", text: problemsOf(error, null, t).record[0] ?? "" }),
    );
  }

  /** Shows a view that was made or changed just now. */
  function show(next: ListView | null) {
    setTask(null);
    loadViews();
    if (next === null && filter !== "") navigate({ page: "list", object, filter: "" });
    else if (next === null || next.id === view?.id) again();
    else navigate({ page: "list", object, filter: next.id });
  }

  return (
    <div className="console-list">
      <header className="slds-page-header slds-page-header_object-home console-list__header">
        <div className="slds-page-header__row">
          <div className="slds-page-header__col-title">
            <div className="slds-media">
              <div className="slds-media__figure">
                <Icon name={icon.name} size="page-header" className={icon.className} />
              </div>
              <div className="slds-media__body">
                <div className="slds-page-header__name">
                  <div className="slds-page-header__name-title">
                    <h1 id={titleId}>
                      <span>{label}</span>
                      <span className="slds-page-header__title slds-truncate" title={title}>
                        {title === "" ? " " : title}
                      </span>
                    </h1>
                  </div>
                  <div className="slds-page-header__name-switcher console-list__switcher">
                    <ViewPicker
                      views={views}
                      current={recent ? RECENT : (view?.id ?? "")}
                      onPick={(id) =>
                        navigate({ page: "list", object, filter: id === RECENT ? "Recent" : id })
                      }
                    />
                    <IconButton
                      icon={pinned ? "utility:pinned" : "utility:pin"}
                      label={t(pinned ? "list.unpin" : "list.pin")}
                      variant="container"
                      small
                      aria-pressed={pinned}
                      onClick={togglePin}
                    />
                  </div>
                </div>
              </div>
            </div>
          </div>
          <div className="slds-page-header__col-actions">
            <div className="slds-page-header__controls">
              <div className="slds-page-header__control">
                {chosen.size > 0 ? (
                  <MassActions
                    object={object}
                    rows={rows.filter((row) => chosen.has(String(row["Id"])))}
                    onDone={() => {
                      setChosen(new Set());
                      again();
                    }}
                  />
                ) : (
                  info?.createable !== false && (
                    <Button onClick={() => openNew(object, {})}>{t("list.new")}</Button>
                  )
                )}
              </div>
            </div>
          </div>
        </div>
        <div className="slds-page-header__row">
          <div className="slds-page-header__col-meta">
            <p className="slds-page-header__meta-text" role="status">
              {shown === null ? (
                failed === null && t("app.loading")
              ) : (
                <Summary shown={shown} chosen={chosen.size} />
              )}
            </p>
          </div>
          <div className="slds-page-header__col-controls">
            <div className="slds-page-header__controls">
              <div className="slds-page-header__control console-list__search">
                <div className="slds-input-has-icon slds-input-has-icon_left">
                  <Symbol
                    name="utility:search"
                    className="slds-icon slds-input__icon slds-input__icon_left slds-icon-text-default"
                  />
                  <input
                    className="slds-input"
                    type="search"
                    aria-label={t("list.search")}
                    placeholder={t("list.search")}
                    data-focus="list-search"
                    value={typed}
                    onChange={(event) => setTyped(event.target.value)}
                  />
                </div>
              </div>
              <div className="slds-page-header__control">
                <ViewMenu view={view} mayShare={views?.may_share ?? false} onTask={setTask} />
              </div>
              <div className="slds-page-header__control">
                <ul className="slds-button-group-list">
                  {isConsole() && (
                    <li>
                      <IconButton
                        icon="utility:layout"
                        label={t("split.open")}
                        variant="border-filled"
                        onClick={() => splitOpen.set(true)}
                      />
                    </li>
                  )}
                  <li>
                    <IconButton
                      icon="utility:refresh"
                      label={t("list.refresh")}
                      variant="border-filled"
                      onClick={again}
                    />
                  </li>
                  <li>
                    <IconButton
                      icon="utility:filterList"
                      label={t(filtering ? "list.filters.hide" : "list.filters.show")}
                      variant="border-filled"
                      aria-pressed={filtering}
                      disabled={view === null}
                      className={filtering ? "slds-is-selected" : ""}
                      onClick={() => setFiltering(!filtering)}
                    />
                  </li>
                </ul>
              </div>
            </div>
          </div>
        </div>
      </header>

      {failed !== null && (
        <div className="slds-p-around_small">
          <Notice variant="error">
            {failed}{" "}
            <button type="button" className="slds-button slds-text-link" onClick={again}>
              {t("common.retry")}
            </button>
          </Notice>
        </div>
      )}

      <div
        className={`console-list__main ${filtering && view !== null ? "console-list__main_filtered" : ""}`}
      >
        <div className="console-list__body" ref={scroller} onScroll={onScroll} tabIndex={-1}>
          {shown === null && failed !== null ? null : shown !== null && rows.length === 0 ? (
            <Nothing object={object} info={info} labels={label} search={query.search} view={view} />
          ) : (
            <ListTable
              object={object}
              shown={shown}
              fields={fields}
              busy={busy}
              labelledBy={titleId}
              chosen={chosen}
              onChoose={setChosen}
              onSort={(sort, dir) => setQuery((current) => ({ ...current, sort, dir }))}
              onChanged={again}
            />
          )}
          {busy && rows.length > 0 && shown?.hasMore === true && (
            <p className="console-list__more slds-text-color_weak">{t("app.loading")}</p>
          )}
        </div>
        {filtering && view !== null && (
          <Conditions
            key={`${view.id} ${JSON.stringify(view.conditions)} ${view.logic} ${view.scope}`}
            object={object}
            view={view}
            onClose={() => setFiltering(false)}
            onSaved={show}
          />
        )}
      </div>
      {task !== null && (
        <ViewDialogs
          object={object}
          task={task}
          view={view}
          mayShare={views?.may_share ?? false}
          onClose={() => setTask(null)}
          onDone={(next) => {
            // A view that is new begins with what it is to show.
            if (next !== null && (task === "new" || task === "clone")) newView = next.id;
            show(next);
          }}
        />
      )}
    </div>
  );
}

/** How many there are, what they are sorted by and what they are chosen by. */
function Summary({ shown, chosen }: { shown: Shown; chosen: number }): ReactNode {
  const { t } = useTranslation();
  const total = `${formatNumber(shown.total, region())}${shown.moreThan ? "+" : ""}`;
  const sorted = shown.columns.find((column) => column.api_name === shown.sort);
  const parts = [
    t(shown.hasMore || shown.moreThan ? "list.count.more" : "list.count", {
      count: shown.total,
      total,
      rows: formatNumber(shown.rows.length, region()),
    }),
    ...(chosen > 0 ? [t("list.chosen", { count: chosen })] : []),
    ...(sorted === undefined ? [] : [t("list.sorted", { label: sorted.label })]),
    ...(shown.view !== null && shown.view.conditions.length > 0
      ? [t("list.filtered", { count: shown.view.conditions.length })]
      : []),
  ];
  return parts.join(" • ");
}

function UnknownObject({ object }: { object: string }): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="slds-card console-card">
      <EmptyState icon="utility:search" heading title={t("list.unknown", { object })}>
        {t("list.unknown.hint")}
      </EmptyState>
    </div>
  );
}

function Nothing({
  object,
  info,
  labels,
  search,
  view,
}: {
  object: string;
  info: ObjectInfo | undefined;
  /** What several of the object are called. */
  labels: string;
  search: string;
  view: ListView | null;
}): ReactNode {
  const { t } = useTranslation();
  if (search !== "") {
    return (
      <EmptyState icon="utility:search" title={t("search.nothing", { text: search })}>
        {t("search.nothing.hint")}
      </EmptyState>
    );
  }
  if (view !== null && (view.conditions.length > 0 || view.scope === "mine")) {
    return (
      <EmptyState icon="utility:filterList" title={t("list.empty.filtered", { label: labels })}>
        {t(view.scope === "mine" ? "list.empty.mine.hint" : "list.empty.filtered.hint")}
      </EmptyState>
    );
  }
  const may = info?.createable !== false;
  return (
    <EmptyState
      icon="utility:list"
      title={t(view === null ? "list.empty.recent" : "list.empty", { label: labels })}
      action={
        may && (
          <Button variant="brand" onClick={() => openNew(object, {})}>
            {t("new.title", { label: info?.label ?? labels })}
          </Button>
        )
      }
    >
      {view === null ? t("list.empty.recent.hint") : may && t("list.empty.hint")}
    </EmptyState>
  );
}
