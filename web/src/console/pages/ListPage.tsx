/** A list of an object's records: search, sort, and more rows as one scrolls. Kept as it was on return. */
import {
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Menu, Notice, Skeleton } from "../../ui/controls.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Icon, Symbol } from "../../ui/Icon.tsx";
import { listPage, type ListQuery } from "../data/lists.ts";
import { watchChanges } from "../data/live.ts";
import { useDescribe } from "../data/records.ts";
import { objectOfId, objects, region } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Field, ListColumn, Row } from "../data/types.ts";
import { recordIdOf, recordPath } from "../router.ts";
import { FieldValue } from "../record/FieldValue.tsx";
import { problemsOf } from "../record/problems.ts";
import { objectIcon, rowName } from "../record/names.ts";
import { RecordLink } from "../shell/Link.tsx";
import { openNew } from "../shell/workspace.ts";
import { onRefresh } from "../shell/refresh.ts";

interface Shown {
  query: ListQuery;
  rows: Row[];
  columns: ListColumn[];
  total: number;
  hasMore: boolean;
  scroll: number;
}

/** Lists as they were left, by object. */
const left = new Map<string, Shown>();
const START: ListQuery = { view: "all", search: "", sort: "Name", dir: "asc" };
const TYPING_MS = 150;
const SETTLE_MS = 800;

export default function ListPage({ object, filter }: { object: string; filter: string }): ReactNode {
  const { t } = useTranslation();
  const known = useStore(objects);
  const info = known.get(object);
  const before = left.get(object);
  const [query, setQuery] = useState<ListQuery>(
    filter.toLowerCase() === "recent" ? { ...START, view: "recent", sort: "" } : (before?.query ?? START),
  );
  const [shown, setShown] = useState<Shown | null>(before ?? null);
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [turn, setTurn] = useState(0);
  const [typed, setTyped] = useState(query.search);
  const scroller = useRef<HTMLDivElement>(null);
  const running = useRef<AbortController | null>(null);
  const titleId = useId();
  const label = info?.labelPlural ?? t(`nav.${object}`, { defaultValue: object });
  const icon = objectIcon(object);

  const load = useCallback(
    (wanted: ListQuery, have: Row[], most: number) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      setBusy(true);
      listPage(object, wanted, have.length, controller.signal).then(
        (page) => {
          const seen = new Set(have.map((row) => row["Id"]));
          const next: Shown = {
            query: wanted,
            rows: [...have, ...page.records.filter((row) => !seen.has(row["Id"]))],
            columns: page.columns,
            total: page.total,
            hasMore: page.has_more,
            scroll: scroller.current?.scrollTop ?? 0,
          };
          left.set(object, next);
          setShown(next);
          setFailed(null);
          setBusy(false);
          // After a refresh of a long list, what was further down is asked for again.
          if (next.hasMore && next.rows.length < most) load(wanted, next.rows, most);
        },
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setBusy(false);
          setFailed(problemsOf(error, null, t).record[0] ?? t("problem.unknown"));
        },
      );
    },
    [object, t],
  );

  const rowsNow = useRef(shown?.rows.length ?? 0);
  rowsNow.current = shown?.rows.length ?? 0;
  useEffect(() => {
    load(query, [], Math.min(rowsNow.current, 200));
    return () => running.current?.abort();
  }, [load, query, turn]);

  // A person types faster than a list is worth asking for.
  useEffect(() => {
    if (typed === query.search) return;
    const timer = window.setTimeout(() => setQuery((current) => ({ ...current, search: typed })), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [typed, query.search]);

  useEffect(() => {
    let timer = 0;
    const again = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => setTurn((current) => current + 1), SETTLE_MS);
    };
    const stop = [
      watchChanges((change) => {
        if (change === null || (change.object === object && change.kind !== "activity")) again();
      }),
      onRefresh(again),
    ];
    return () => {
      window.clearTimeout(timer);
      for (const each of stop) each();
    };
  }, [object]);

  useLayoutEffect(() => {
    if (scroller.current !== null && before !== undefined) scroller.current.scrollTop = before.scroll;
    // Once, when the list comes back.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  function onScroll() {
    const at = scroller.current;
    if (at === null || shown === null) return;
    shown.scroll = at.scrollTop;
    if (shown.hasMore && !busy && at.scrollHeight - at.scrollTop - at.clientHeight < 400) {
      load(query, shown.rows, 0);
    }
  }

  const { value: description } = useDescribe(known.size === 0 || info !== undefined ? object : null);
  const fields = useMemo(
    () => new Map(description?.fields.map((field) => [field.name, field])),
    [description],
  );
  if (known.size > 0 && info === undefined) return <UnknownObject object={object} />;

  const rows = shown?.rows ?? [];
  const columns = shown?.columns ?? [];
  const view = t(query.view === "recent" ? "list.recent" : "list.all", { label });

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
                      <span className="slds-page-header__title slds-truncate">{view}</span>
                    </h1>
                  </div>
                  <div className="slds-page-header__name-switcher">
                    <Menu
                      label={t("list.choose")}
                      triggerClassName="slds-button slds-button_icon slds-button_icon-small"
                      trigger={<Symbol name="utility:down" className="slds-button__icon slds-icon_x-small" />}
                      items={(["all", "recent"] as const).map((each) => ({
                        key: each,
                        label: t(each === "recent" ? "list.recent" : "list.all", { label }),
                        ...(query.view === each ? { icon: "utility:check" } : {}),
                        onSelect: () =>
                          setQuery((current) => ({
                            ...current,
                            view: each,
                            sort: each === "all" ? "Name" : "",
                          })),
                      }))}
                    />
                  </div>
                </div>
              </div>
            </div>
          </div>
          <div className="slds-page-header__col-actions">
            <div className="slds-page-header__controls">
              <div className="slds-page-header__control">
                {info?.createable !== false && (
                  <Button onClick={() => openNew(object, {})}>{t("list.new")}</Button>
                )}
              </div>
            </div>
          </div>
        </div>
        <div className="slds-page-header__row">
          <div className="slds-page-header__col-meta">
            <p className="slds-page-header__meta-text" role="status">
              {shown === null
                ? failed === null && t("app.loading")
                : t(shown.hasMore ? "list.count.more" : "list.count", {
                    count: shown.total,
                    total: formatNumber(shown.total, region()),
                    rows: formatNumber(rows.length, region()),
                  })}
              {rows.length > 0 && columns.some((column) => column.api_name === query.sort) && (
                <>
                  {" "}
                  ·{" "}
                  {t("list.sorted", {
                    label: columns.find((column) => column.api_name === query.sort)?.label,
                  })}
                </>
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
                    value={typed}
                    onChange={(event) => setTyped(event.target.value)}
                  />
                </div>
              </div>
            </div>
          </div>
        </div>
      </header>

      {failed !== null && (
        <div className="slds-p-around_small">
          <Notice variant="error">
            {failed}{" "}
            <button
              type="button"
              className="slds-button slds-text-link"
              onClick={() => setTurn((current) => current + 1)}
            >
              {t("common.retry")}
            </button>
          </Notice>
        </div>
      )}

      <div className="console-list__body" ref={scroller} onScroll={onScroll} tabIndex={-1}>
        {shown === null && failed !== null ? null : shown !== null && rows.length === 0 ? (
          <Nothing object={object} label={info?.label ?? label} query={query} />
        ) : (
          <table
            className="slds-table slds-table_bordered slds-table_fixed-layout console-table"
            aria-labelledby={titleId}
            aria-busy={busy}
          >
            <thead>
              <tr className="slds-line-height_reset">
                {(columns.length > 0 ? columns : PLACEHOLDERS).map((column) => (
                  <Heading
                    key={column.api_name}
                    column={column}
                    query={query}
                    onSort={(sort, dir) => setQuery((current) => ({ ...current, sort, dir }))}
                  />
                ))}
              </tr>
            </thead>
            <tbody>
              {shown === null
                ? Array.from({ length: 8 }, (_, index) => (
                    <tr key={index} className="slds-hint-parent">
                      {PLACEHOLDERS.map((column) => (
                        <td key={column.api_name}>
                          <Skeleton />
                        </td>
                      ))}
                    </tr>
                  ))
                : rows.map((row) => (
                    <Line
                      key={String(row["Id"])}
                      object={object}
                      row={row}
                      columns={columns}
                      fields={fields}
                    />
                  ))}
            </tbody>
          </table>
        )}
        {busy && rows.length > 0 && shown?.hasMore === true && (
          <p className="console-list__more slds-text-color_weak">{t("app.loading")}</p>
        )}
      </div>
    </div>
  );
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

const PLACEHOLDERS: ListColumn[] = ["one", "two", "three", "four", "five"].map((name) => ({
  api_name: name,
  label: "",
  type: "string",
  sortable: false,
}));

function Heading({
  column,
  query,
  onSort,
}: {
  column: ListColumn;
  query: ListQuery;
  onSort: (sort: string, dir: "asc" | "desc") => void;
}): ReactNode {
  const { t } = useTranslation();
  const sorted = query.sort === column.api_name;
  const next = sorted && query.dir === "asc" ? "desc" : "asc";
  if (!column.sortable) {
    return (
      <th scope="col">
        <div className="slds-truncate" title={column.label}>
          {column.label === "" ? (
            <span className="slds-assistive-text">{t("app.loading")}</span>
          ) : (
            column.label
          )}
        </div>
      </th>
    );
  }
  return (
    <th
      scope="col"
      aria-sort={sorted ? (query.dir === "asc" ? "ascending" : "descending") : "none"}
      className={`slds-is-sortable ${sorted ? "slds-is-sorted" : ""} ${sorted && query.dir === "desc" ? "slds-is-sorted_desc" : "slds-is-sorted_asc"}`}
    >
      <button
        type="button"
        className="slds-button console-sort"
        title={t("list.sort", { label: column.label })}
        onClick={() => onSort(column.api_name, next)}
      >
        <span className="slds-truncate">{column.label}</span>
        <Symbol
          name="utility:arrowdown"
          className="slds-icon slds-icon-text-default slds-is-sortable__icon"
        />
      </button>
    </th>
  );
}

function Line({
  object,
  row,
  columns,
  fields,
}: {
  object: string;
  row: Row;
  columns: ListColumn[];
  fields: ReadonlyMap<string, Field>;
}): ReactNode {
  const id = String(row["Id"]);
  const name = rowName(row);
  const first = columns.some((column) => column.api_name === "Name") ? "Name" : columns[0]?.api_name;
  return (
    <tr className="slds-hint-parent">
      {columns.map((column) => {
        if (column.api_name === first) {
          return (
            <th key={column.api_name} scope="row">
              <div className="slds-truncate" title={name}>
                <RecordLink to={recordPath(object, id)}>{name || id}</RecordLink>
              </div>
            </th>
          );
        }
        const cell = cellOf(row, column);
        return (
          <td key={column.api_name}>
            <div className="slds-truncate" title={cell.title}>
              <FieldValue
                type={cell.reference === undefined ? column.type : "reference"}
                value={cell.value}
                reference={cell.reference}
                picklist={fields.get(column.api_name)?.picklistValues}
                owner={{ id, object, name }}
              />
            </div>
          </td>
        );
      })}
    </tr>
  );
}

/** A cell's value; a look-up's cell is the record it points to, given as `{Id, Name}` under either name. */
function cellOf(
  row: Row,
  column: ListColumn,
): { value: unknown; title: string | undefined; reference?: { id: string; object: string; name: string } } {
  const value = row[column.api_name];
  const parent = isParent(value) ? value : parentOf(row, column.api_name);
  if (parent !== null) {
    const id = String(parent["Id"]);
    const name = rowName(parent);
    return { value: id, title: name, reference: { id, object: objectOfId(id) ?? "", name } };
  }
  return { value, title: typeof value === "string" ? value : undefined };
}

const isParent = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && recordIdOf((value as Row)["Id"]) !== null;

function parentOf(row: Row, name: string): Row | null {
  const relationship = name.endsWith("__c")
    ? name.replace(/__c$/, "__r")
    : name.replace(/Id$/, "").split(".")[0];
  const value = relationship === undefined || relationship === name ? null : row[relationship];
  return isParent(value) ? value : null;
}

function Nothing({ object, label, query }: { object: string; label: string; query: ListQuery }): ReactNode {
  const { t } = useTranslation();
  if (query.search !== "") {
    return (
      <EmptyState icon="utility:search" title={t("search.nothing", { text: query.search })}>
        {t("search.nothing.hint")}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon="utility:list"
      title={t(query.view === "recent" ? "list.empty.recent" : "list.empty", { label })}
      action={
        <Button variant="brand" onClick={() => openNew(object, {})}>
          {t("new.title", { label })}
        </Button>
      }
    >
      {t(query.view === "recent" ? "list.empty.recent.hint" : "list.empty.hint", { label })}
    </EmptyState>
  );
}
