/** The split view of a console app: the list one came from stays at the left while its records are opened. */
import { useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState, IconButton, Menu, Skeleton } from "../../ui/controls.tsx";
import { formatNumber } from "../../ui/format.ts";
import { Icon, Symbol } from "../../ui/Icon.tsx";
import { useApp } from "../data/apps.ts";
import type { ListQuery } from "../data/lists.ts";
import { objects, region } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { ListColumn, Row } from "../data/types.ts";
import { navigate, recordPath } from "../router.ts";
import { fieldText } from "../pages/list/cells.ts";
import { viewOf } from "../pages/list/recent.ts";
import { useList } from "../pages/list/useList.ts";
import { panel } from "../cti/panel.ts";
import { DialButton } from "../record/FieldValue.tsx";
import { objectIcon, rowName } from "../record/names.ts";
import { RecordLink } from "./Link.tsx";
import { splitOpen } from "./split.ts";
import { below, lastList } from "./workspace.ts";

const LINK = "slds-split-view__list-item-action";

export default function SplitView(): ReactNode {
  const { items } = useApp();
  const last = useStore(lastList);
  const route = useStore(below);
  const own = route.page === "record" && items.includes(route.object) ? route.object : undefined;
  const list = last ?? { object: own ?? items.find((item) => item !== "home") ?? "Contact", filter: "" };
  return <SplitList key={`${list.object} ${list.filter}`} object={list.object} filter={list.filter} />;
}

function SplitList({ object, filter }: { object: string; filter: string }): ReactNode {
  const { t } = useTranslation();
  const [query, setQuery] = useState<ListQuery>({ view: viewOf(filter), search: "", sort: "", dir: "asc" });
  const { shown, failed, more, again } = useList(object, query);
  const route = useStore(below);
  const label = useStore(objects).get(object)?.labelPlural ?? object;
  const icon = objectIcon(object);
  const rows = shown?.rows ?? [];
  const box = useRef<HTMLUListElement>(null);
  const active = route.page === "record" ? route.id : "";
  const at = rows.findIndex((row) => row["Id"] === active);
  const facts = (shown?.columns ?? [])
    .filter((column) => column.api_name !== "Name" && column.type !== "boolean")
    .slice(0, 3);

  function onKeyDown(event: KeyboardEvent) {
    const links = [...(box.current?.querySelectorAll<HTMLElement>(`.${LINK}`) ?? [])];
    const here = links.indexOf(document.activeElement as HTMLElement);
    const next =
      event.key === "ArrowDown"
        ? links[here + 1]
        : event.key === "ArrowUp"
          ? links[here - 1]
          : event.key === "Home"
            ? links[0]
            : event.key === "End"
              ? links.at(-1)
              : undefined;
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }

  return (
    <article
      className="slds-split-view slds-grid slds-grid_vertical slds-grow slds-scrollable_none"
      aria-label={t("split.title", { label })}
    >
      <header className="slds-split-view__header console-split__header">
        <div className="slds-grid slds-grid_vertical-align-center slds-has-flexi-truncate">
          <Icon name={icon.name} size="small" className={icon.className} />
          <h2 className="slds-truncate console-split__title">
            <span className="slds-text-color_weak slds-truncate">{label}</span>
            <strong className="slds-truncate">
              {shown === null ? "" : shown.view === null ? t("list.recent") : shown.view.label}
            </strong>
          </h2>
          <IconButton
            icon="utility:table"
            label={t("split.table")}
            variant="container"
            onClick={() => {
              splitOpen.set(false);
              navigate({ page: "list", object, filter });
            }}
          />
          <IconButton icon="utility:refresh" label={t("list.refresh")} variant="container" onClick={again} />
        </div>
        <p className="slds-text-body_small slds-text-color_weak" role="status">
          {shown === null
            ? t("app.loading")
            : t("list.count", {
                count: shown.total,
                total: `${formatNumber(shown.total, region())}${shown.moreThan ? "+" : ""}`,
              })}
        </p>
      </header>
      <div className="slds-grid slds-grid_vertical slds-scrollable_none console-split__list">
        {shown !== null && (
          <div className="slds-split-view__list-header slds-grid">
            <Menu
              label={t("split.sort")}
              selfNamed
              triggerClassName="slds-button slds-text-body_small"
              trigger={
                <>
                  {t("list.sorted", {
                    label:
                      shown.columns.find((column) => column.api_name === shown.sort)?.label ??
                      t("list.recent"),
                  })}
                  <Symbol
                    name={shown.descending ? "utility:arrowdown" : "utility:arrowup"}
                    className="slds-button__icon slds-button__icon_right slds-button__icon_small"
                  />
                </>
              }
              items={shown.columns
                .filter((column) => column.sortable)
                .map((column) => ({
                  key: column.api_name,
                  label: column.label,
                  ...(column.api_name === shown.sort ? { icon: "utility:check" } : {}),
                  onSelect: () =>
                    setQuery((current) => ({
                      ...current,
                      sort: column.api_name,
                      dir: column.api_name === shown.sort && !shown.descending ? "desc" : "asc",
                    })),
                }))}
            />
          </div>
        )}
        {failed !== null && <p className="slds-p-around_small slds-text-color_error">{failed}</p>}
        {shown !== null && rows.length === 0 ? (
          <EmptyState icon="utility:list" title={t("split.empty")} />
        ) : (
          <ul
            ref={box}
            className="slds-scrollable_y console-split__rows"
            aria-label={t("split.choose")}
            onKeyDown={onKeyDown}
            onScroll={(event) => {
              const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
              if (scrollHeight - scrollTop - clientHeight < 300) more();
            }}
          >
            {shown === null
              ? Array.from({ length: 8 }, (_, index) => (
                  <li key={index} className="slds-split-view__list-item slds-p-around_small">
                    <Skeleton width="70%" />
                  </li>
                ))
              : rows.map((row, index) => (
                  <Item
                    key={String(row["Id"])}
                    object={object}
                    row={row}
                    facts={facts}
                    open={row["Id"] === active}
                    reached={index === Math.max(at, 0)}
                  />
                ))}
          </ul>
        )}
      </div>
    </article>
  );
}

/**
 * A record of the list. Links in a plain list, not options of a list box: those may hold no buttons, and a number that
 * can be dialled is one. Tab reaches one record, arrow keys the others.
 */
function Item({
  object,
  row,
  facts,
  open,
  reached,
}: {
  object: string;
  row: Row;
  facts: ListColumn[];
  open: boolean;
  reached: boolean;
}): ReactNode {
  const { clickToDial: dials } = useStore(panel);
  const id = String(row["Id"]);
  const tabIndex = reached ? 0 : -1;
  const numbers = facts
    .filter((column) => dials && column.type === "phone")
    .map((column) => ({ key: column.api_name, number: fieldText(row, column) }))
    .filter(({ number }) => number !== "");
  const said = facts.filter((column) => !numbers.some(({ key }) => key === column.api_name));
  return (
    <li
      className={`slds-split-view__list-item console-split__item ${open ? "console-split__item_open" : ""}`}
    >
      <RecordLink
        to={recordPath(object, id)}
        className={`${LINK} slds-grow slds-has-flexi-truncate`}
        aria-current={open ? "true" : undefined}
        tabIndex={tabIndex}
        data-focus={reached ? "split" : undefined}
      >
        <Facts row={row} facts={said} />
      </RecordLink>
      {numbers.length > 0 && (
        <div className="console-split__numbers">
          {numbers.map(({ key, number }) => (
            <DialButton
              key={key}
              number={number}
              owner={{ id, object, name: rowName(row) }}
              tabIndex={tabIndex}
            />
          ))}
        </div>
      )}
    </li>
  );
}

function Facts({ row, facts }: { row: Row; facts: ListColumn[] }): ReactNode {
  return (
    <span className="slds-grid slds-wrap console-split__facts">
      <span className="slds-truncate slds-size_1-of-1 slds-text-color_default slds-text-link">
        {rowName(row)}
      </span>
      {facts
        .map((column) => ({ key: column.api_name, text: fieldText(row, column) }))
        .filter((fact) => fact.text !== "")
        .map((fact) => (
          <span key={fact.key} className="slds-truncate slds-text-color_weak slds-text-body_small">
            {fact.text}
          </span>
        ))}
    </span>
  );
}
