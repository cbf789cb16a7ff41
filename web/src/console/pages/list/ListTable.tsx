/** The table of a list: columns that sort and can be made wider, rows that can be chosen. */
import {
  startTransition,
  useEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
} from "react";
import { useTranslation } from "react-i18next";
import { Menu, Skeleton } from "../../../ui/controls.tsx";
import { Symbol } from "../../../ui/Icon.tsx";
import { choice, choose } from "../../data/choices.ts";
import type { Field, ListColumn, Row } from "../../data/types.ts";
import { recordPath } from "../../router.ts";
import { FieldValue } from "../../record/FieldValue.tsx";
import { rowName } from "../../record/names.ts";
import { RecordLink } from "../../shell/Link.tsx";
import { cellOf } from "./cells.ts";
import { useRowActions } from "./MassActions.tsx";
import type { Shown } from "./useList.ts";

export function ListTable({
  object,
  shown,
  fields,
  busy,
  labelledBy,
  chosen,
  onChoose,
  onSort,
  onChanged,
}: {
  object: string;
  shown: Shown | null;
  fields: ReadonlyMap<string, Field>;
  busy: boolean;
  labelledBy: string;
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
  onSort: (sort: string, dir: "asc" | "desc") => void;
  onChanged: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [widths, setWidth] = useWidths(object);
  const actions = useRowActions(object, onChanged);
  const rows = shown?.rows ?? [];
  const drawn = useDrawn(rows.length);
  const columns = shown === null || shown.columns.length === 0 ? PLACEHOLDERS : shown.columns;
  const all = rows.length > 0 && rows.every((row) => chosen.has(String(row["Id"])));
  const first = columns.some((column) => column.api_name === "Name") ? "Name" : columns[0]?.api_name;

  function toggle(id: string) {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose(next);
  }

  return (
    <table
      className="slds-table slds-table_bordered slds-table_fixed-layout slds-table_resizable-cols console-table"
      aria-labelledby={labelledBy}
      aria-busy={busy}
    >
      <thead>
        <tr className="slds-line-height_reset">
          <th scope="col" className="console-table__check">
            <Check
              label={t("list.choose.all")}
              checked={all}
              onChange={() => onChoose(all ? new Set() : new Set(rows.map((row) => String(row["Id"]))))}
            />
          </th>
          {columns.map((column) => (
            <Heading
              key={column.api_name}
              column={column}
              sorted={shown !== null && shown.sort === column.api_name}
              descending={shown?.descending ?? false}
              width={widths[column.api_name]}
              onWidth={(width) => setWidth(column.api_name, width)}
              onSort={onSort}
            />
          ))}
          <th scope="col" className="console-table__actions">
            <span className="slds-assistive-text">{t("list.actions")}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {shown === null
          ? Array.from({ length: 8 }, (_, index) => (
              <tr key={index} className="slds-hint-parent">
                <td />
                {columns.map((column) => (
                  <td key={column.api_name}>
                    <Skeleton />
                  </td>
                ))}
                <td />
              </tr>
            ))
          : rows.slice(0, drawn).map((row) => {
              const id = String(row["Id"]);
              const name = rowName(row);
              return (
                <tr
                  key={id}
                  className={`slds-hint-parent ${chosen.has(id) ? "slds-is-selected" : ""}`}
                  aria-selected={chosen.has(id) || undefined}
                >
                  <td className="console-table__check">
                    <Check
                      label={t("list.choose.one", { name })}
                      checked={chosen.has(id)}
                      onChange={() => toggle(id)}
                    />
                  </td>
                  {columns.map((column) => (
                    <Cell
                      key={column.api_name}
                      object={object}
                      row={row}
                      column={column}
                      first={column.api_name === first}
                      field={fields.get(column.api_name)}
                    />
                  ))}
                  <td className="console-table__actions">
                    <Menu
                      label={t("list.actions.of", { name })}
                      align="right"
                      triggerClassName="slds-button slds-button_icon slds-button_icon-border-filled slds-button_icon-x-small"
                      trigger={
                        <Symbol
                          name="utility:down"
                          className="slds-button__icon slds-button__icon_hint slds-button__icon_small"
                        />
                      }
                      items={actions.items(row)}
                    />
                  </td>
                </tr>
              );
            })}
      </tbody>
      {actions.dialog}
    </table>
  );
}

/** Height of a row at its lowest. */
const ROW_PX = 28;

/** How many rows to draw: at first those that fit into the window, the rest when these are on the screen. */
function useDrawn(rows: number): number {
  const [most, setMost] = useState(() =>
    rows > 0 ? Number.POSITIVE_INFINITY : Math.ceil(window.innerHeight / ROW_PX),
  );
  const more = rows > most;
  useEffect(() => {
    if (!more) return;
    const frame = requestAnimationFrame(() => startTransition(() => setMost(Number.POSITIVE_INFINITY)));
    return () => cancelAnimationFrame(frame);
  }, [more]);
  return most;
}

const PLACEHOLDERS: ListColumn[] = ["one", "two", "three", "four", "five"].map((name) => ({
  api_name: name,
  label: "",
  type: "string",
  sortable: false,
}));

function Check({
  label,
  checked,
  onChange,
}: {
  label: string;
  checked: boolean;
  onChange: () => void;
}): ReactNode {
  return (
    <label className="slds-checkbox console-check">
      <input type="checkbox" checked={checked} onChange={onChange} />
      <span className="slds-checkbox_faux" />
      <span className="slds-assistive-text">{label}</span>
    </label>
  );
}

const NARROWEST = 60;
const WIDEST = 900;
const STEP = 16;

type Widths = Record<string, number>;
const known = new Map<string, Widths>();

/** Widths of columns in pixels, as this user made them; kept with the user's choices. */
function useWidths(object: string): [Widths, (column: string, width: number) => void] {
  const [widths, setWidths] = useState<Widths>(known.get(object) ?? {});
  const timer = useRef(0);
  useEffect(() => {
    if (known.has(object)) return;
    let shown = true;
    choice<Widths>(`widths.${object}`).then(
      (value) => {
        known.set(object, value ?? {});
        if (shown) setWidths(value ?? {});
      },
      () => undefined,
    );
    return () => {
      shown = false;
    };
  }, [object]);
  function setWidth(column: string, width: number) {
    const next = { ...known.get(object), [column]: Math.round(Math.min(WIDEST, Math.max(NARROWEST, width))) };
    known.set(object, next);
    setWidths(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(
      () => void choose(`widths.${object}`, next).catch(() => undefined),
      800,
    );
  }
  return [widths, setWidth];
}

function Heading({
  column,
  sorted,
  descending,
  width,
  onWidth,
  onSort,
}: {
  column: ListColumn;
  sorted: boolean;
  descending: boolean;
  width: number | undefined;
  onWidth: (width: number) => void;
  onSort: (sort: string, dir: "asc" | "desc") => void;
}): ReactNode {
  const { t } = useTranslation();
  const cell = useRef<HTMLTableCellElement>(null);
  const next = sorted && !descending ? "desc" : "asc";
  const style = width === undefined ? undefined : { width };
  if (column.label === "") {
    return (
      <th scope="col">
        <span className="slds-assistive-text">{t("app.loading")}</span>
      </th>
    );
  }

  function drag(event: PointerEvent<HTMLSpanElement>) {
    if (event.button !== 0) return;
    event.preventDefault();
    const start = event.clientX;
    const from = cell.current?.offsetWidth ?? 0;
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (move) => onWidth(from + move.clientX - start);
    handle.onpointerup = () => {
      handle.onpointermove = null;
      handle.onpointerup = null;
    };
  }
  function byKey(event: KeyboardEvent) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    onWidth((cell.current?.offsetWidth ?? 0) + (event.key === "ArrowRight" ? STEP : -STEP));
  }

  return (
    <th
      ref={cell}
      scope="col"
      style={style}
      aria-sort={!column.sortable ? undefined : sorted ? (descending ? "descending" : "ascending") : "none"}
      className={`${column.sortable ? "slds-is-sortable" : ""} slds-is-resizable ${sorted ? "slds-is-sorted" : ""} ${sorted && descending ? "slds-is-sorted_desc" : "slds-is-sorted_asc"}`}
    >
      {column.sortable ? (
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
      ) : (
        <div className="slds-truncate" title={column.label}>
          {column.label}
        </div>
      )}
      <span
        className="console-table__resize"
        role="separator"
        aria-orientation="vertical"
        tabIndex={0}
        aria-label={t("list.width", { label: column.label })}
        aria-valuenow={width ?? 0}
        aria-valuemin={NARROWEST}
        aria-valuemax={WIDEST}
        onPointerDown={drag}
        onKeyDown={byKey}
      />
    </th>
  );
}

function Cell({
  object,
  row,
  column,
  first,
  field,
}: {
  object: string;
  row: Row;
  column: ListColumn;
  first: boolean;
  field: Field | undefined;
}): ReactNode {
  const id = String(row["Id"]);
  const name = rowName(row);
  if (first) {
    const shown = column.api_name === "Name" ? name : text(row[column.api_name]) || name;
    return (
      <th scope="row">
        <div className="slds-truncate" title={shown}>
          <RecordLink to={recordPath(object, id)}>{shown || id}</RecordLink>
        </div>
      </th>
    );
  }
  const cell = cellOf(row, column);
  return (
    <td>
      <div className="slds-truncate" title={cell.title}>
        <FieldValue
          type={cell.reference === undefined ? column.type : "reference"}
          value={cell.value}
          reference={cell.reference}
          picklist={field?.picklistValues}
          owner={{ id, object, name }}
        />
      </div>
    </td>
  );
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
