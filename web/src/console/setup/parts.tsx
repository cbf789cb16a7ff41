/** What the pages of Set-up are made of: header, card, table, values, form fields, questions, refusals. */
import { useCallback, useEffect, useId, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement, IconButton, Modal, Notice, Spinner } from "../../ui/controls.tsx";
import { formatDateTime, personName } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { ApiError } from "../data/client.ts";
import { language, region } from "../data/session.ts";
import { setupPath } from "../router.ts";
import { Link } from "../shell/Link.tsx";
import { toast } from "../shell/toasts.ts";

// -- asking the org

export interface Asked<T> {
  value: T | null;
  error: unknown;
  again: () => Promise<void>;
}

/** Asks when the page opens, and again on wish; what is shown stays while it is asked anew. */
export function useAsk<T>(ask: () => Promise<T>, key: string): Asked<T> {
  const [state, setState] = useState<{ key: string; value: T | null; error: unknown }>({
    key,
    value: null,
    error: null,
  });
  const latest = useRef(ask);
  latest.current = ask;
  const turn = useRef(0);
  const again = useCallback(async () => {
    const mine = ++turn.current;
    try {
      const value = await latest.current();
      if (mine === turn.current) setState({ key, value, error: null });
    } catch (error) {
      if (mine === turn.current)
        setState((current) => ({ key, value: current.key === key ? current.value : null, error }));
    }
  }, [key]);
  useEffect(() => {
    void again();
  }, [again]);
  return { value: state.key === key ? state.value : null, error: state.error, again };
}

/** Asks again every few seconds while the page is looked at, for what others change; a failure leaves what is shown. */
export function useLive({ again }: { again: () => Promise<void> }, everyMs = 3_000): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void again();
    }, everyMs);
    return () => clearInterval(timer);
  }, [again, everyMs]);
}

/** Runs a change: busy meanwhile, its refusal kept for showing, a message when it is done. */
export function useChange(): {
  busy: boolean;
  error: unknown;
  clear: () => void;
  run: (work: () => Promise<unknown>, done?: string) => Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = useCallback(async (work: () => Promise<unknown>, done?: string) => {
    setBusy(true);
    setError(null);
    try {
      await work();
      if (done !== undefined) toast({ variant: "success", text: done });
      return true;
    } catch (failure) {
      setError(failure);
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  const clear = useCallback(() => setError(null), []);
  return { busy, error, clear, run };
}

// -- refusals

/** A refusal in the reader's language: errors of a definition file with line and item, others by their code. */
export function useSentences(): (error: unknown) => string[] {
  const { t, i18n } = useTranslation();
  return (error) => {
    if (!(error instanceof ApiError)) return [t("problem.unknown")];
    if (error.status === 0) return [t("problem.network")];
    if (error.status === 401) return [t("problem.INVALID_SESSION_ID")];
    if (error.status === 413) return [t("definition.too_large", { limit: 256 })];
    if (error.status >= 500) return [t("problem.server")];
    return error.problems.map((problem) => {
      const { problem: kind, line, item, values } = problem.body;
      if (typeof kind === "string" && i18n.exists(`definition.${kind}`)) {
        const what = t(`definition.${kind}`, (values ?? {}) as Record<string, string>);
        if (typeof line === "number" && typeof item === "string")
          return t("definition.at.item", { line, item, what });
        if (typeof line === "number") return t("definition.at.line", { line, what });
        return typeof item === "string" ? t("definition.at.name", { item, what }) : what;
      }
      const field = problem.fields[0];
      const code = `refusal.${problem.errorCode}`;
      if (i18n.exists(code)) return t(code, { field: field ?? "" });
      return problem.message;
    });
  };
}

export function Refusal({ error, title }: { error: unknown; title?: string }): ReactNode {
  const sentences = useSentences();
  if (error === null || error === undefined) return null;
  const all = sentences(error);
  return (
    <div className="slds-m-bottom_small">
      <Notice variant="error">
        {title !== undefined && <p className="slds-text-title_bold">{title}</p>}
        {all.length === 1 && title === undefined ? (
          <p>{all[0]}</p>
        ) : (
          <ul className="slds-list_dotted setup-problems">
            {all.map((each, at) => (
              <li key={at}>{each}</li>
            ))}
          </ul>
        )}
      </Notice>
    </div>
  );
}

// -- the page

export function SetupHeader({
  title,
  icon = "utility:settings",
  crumb,
  actions,
}: {
  title: string;
  icon?: string;
  /** The page above this one: its name and path. */
  crumb?: { label: string; to: string };
  actions?: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <header className="slds-page-header setup-header">
      <div className="slds-page-header__row">
        <div className="slds-page-header__col-title">
          <div className="slds-media">
            <div className="slds-media__figure">
              <span className="setup-header__icon">
                <Icon name={icon} size="small" tone="inverse" />
              </span>
            </div>
            <div className="slds-media__body">
              <p className="setup-header__above">
                {crumb === undefined ? t("setup.app") : <Link to={crumb.to}>{crumb.label}</Link>}
              </p>
              <h1 className="slds-page-header__title slds-truncate" title={title}>
                {title}
              </h1>
            </div>
          </div>
        </div>
        {actions !== undefined && (
          <div className="slds-page-header__col-actions">
            <div className="console-actions">{actions}</div>
          </div>
        )}
      </div>
    </header>
  );
}

export function Card({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <section className="slds-card console-card setup-card" aria-label={title}>
      <div className="slds-card__header slds-grid setup-card__header">
        <h2 className="slds-card__header-title slds-text-heading_small">{title}</h2>
        {actions !== undefined && <div className="console-actions">{actions}</div>}
      </div>
      <div className="slds-card__body slds-card__body_inner">{children}</div>
    </section>
  );
}

/** The page's content once the org has answered. */
export function Shown<T>({ of, children }: { of: Asked<T>; children: (value: T) => ReactNode }): ReactNode {
  const { t } = useTranslation();
  if (of.value !== null) return children(of.value);
  if (of.error !== null) {
    return (
      <>
        <Refusal error={of.error} />
        <Button onClick={() => void of.again()}>{t("common.retry")}</Button>
      </>
    );
  }
  return (
    <div className="setup-wait">
      <Spinner label={t("app.loading")} />
    </div>
  );
}

export interface Column<T> {
  key: string;
  label: string;
  show: (row: T) => ReactNode;
  /** The cell that names the row. */
  head?: boolean;
  width?: string;
}

/** Whether an element is wider inside than outside: then the keyboard must reach it, to scroll it. */
function useScrolls(): [(element: HTMLElement | null) => void, boolean] {
  const [scrolls, setScrolls] = useState(false);
  const observer = useRef<ResizeObserver | null>(null);
  const box = useCallback((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (element === null) return;
    observer.current = new ResizeObserver(() => setScrolls(element.scrollWidth > element.clientWidth));
    observer.current.observe(element);
  }, []);
  return [box, scrolls];
}

export function Table<T>({
  label,
  columns,
  rows,
  rowKey,
  empty,
  chosen,
  onChosen,
  rowName,
}: {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  empty: string;
  chosen?: ReadonlySet<string>;
  onChosen?: (next: ReadonlySet<string>) => void;
  rowName?: (row: T) => string;
}): ReactNode {
  const { t } = useTranslation();
  const [box, scrolls] = useScrolls();
  if (rows.length === 0) return <p className="slds-text-color_weak slds-p-vertical_small">{empty}</p>;
  const all = chosen !== undefined && rows.every((row) => chosen.has(rowKey(row)));
  const toggle = (key: string) => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    onChosen?.(next);
  };
  return (
    <div
      ref={box}
      className="setup-table"
      {...(scrolls ? { tabIndex: 0, role: "region", "aria-label": label } : {})}
    >
      <table className="slds-table slds-table_bordered slds-table_cell-buffer" aria-label={label}>
        <thead>
          <tr>
            {chosen !== undefined && (
              <th scope="col" className="setup-table__check">
                <input
                  type="checkbox"
                  aria-label={t("setup.chooseAll")}
                  checked={all}
                  onChange={() => onChosen?.(new Set(all ? [] : rows.map(rowKey)))}
                />
              </th>
            )}
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                style={column.width === undefined ? undefined : { width: column.width }}
              >
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className={chosen?.has(rowKey(row)) ? "slds-is-selected" : undefined}>
              {chosen !== undefined && (
                <td className="setup-table__check">
                  <input
                    type="checkbox"
                    aria-label={t("setup.choose", { name: rowName?.(row) ?? rowKey(row) })}
                    checked={chosen.has(rowKey(row))}
                    onChange={() => toggle(rowKey(row))}
                  />
                </td>
              )}
              {columns.map((column) =>
                column.head === true ? (
                  <th key={column.key} scope="row">
                    {column.show(row)}
                  </th>
                ) : (
                  <td key={column.key}>{column.show(row)}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Names and values side by side. */
export function Values({ of }: { of: [string, ReactNode][] }): ReactNode {
  return (
    <dl className="setup-values">
      {of.map(([name, value]) => (
        <div key={name} className="setup-values__row">
          <dt>{name}</dt>
          <dd>{value === null || value === undefined || value === "" || value === false ? "—" : value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Check({ value }: { value: boolean }): ReactNode {
  const { t } = useTranslation();
  return value ? (
    <Icon name="utility:check" size="x-small" tone="success" label={t("setup.yes")} />
  ) : (
    <span className="slds-text-color_weak" aria-label={t("setup.no")} role="img">
      –
    </span>
  );
}

export const when = (text: string | null | undefined): string => formatDateTime(text, region());

export const nameOf = (person: {
  name: string | null;
  first_name?: string | null;
  last_name?: string | null;
}): string =>
  personName(
    { Name: person.name, FirstName: person.first_name ?? null, LastName: person.last_name ?? null },
    language(),
  );

export const SetupLink = ({
  node,
  rest,
  children,
}: {
  node: string;
  rest: string[];
  children: ReactNode;
}): ReactNode => <Link to={setupPath(node, ...rest)}>{children}</Link>;

// -- form fields

interface FieldProps {
  label: string;
  required?: boolean;
  error?: string | undefined;
  help?: string | undefined;
}

export function TextField({
  value,
  onChange,
  type = "text",
  disabled = false,
  maxLength,
  suggestions,
  ...rest
}: FieldProps & {
  value: string;
  onChange: (value: string) => void;
  type?: string;
  disabled?: boolean;
  maxLength?: number;
  suggestions?: readonly string[];
}): ReactNode {
  const { t } = useTranslation();
  const listId = useId();
  return (
    <FormElement {...rest} requiredLabel={t("form.required")}>
      {({ id, describedBy, invalid }) => (
        <>
          <input
            id={id}
            className="slds-input"
            type={type}
            value={value}
            disabled={disabled}
            maxLength={maxLength}
            required={rest.required}
            autoComplete={type === "password" ? "new-password" : "off"}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
            list={suggestions === undefined ? undefined : listId}
            onChange={(event) => onChange(event.target.value)}
          />
          {suggestions !== undefined && (
            <datalist id={listId}>
              {suggestions.map((each) => (
                <option key={each} value={each} />
              ))}
            </datalist>
          )}
        </>
      )}
    </FormElement>
  );
}

export interface Option {
  value: string;
  label: string;
}

export function SelectField({
  value,
  onChange,
  options,
  disabled = false,
  ...rest
}: FieldProps & {
  value: string;
  onChange: (value: string) => void;
  options: Option[];
  disabled?: boolean;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <FormElement {...rest} requiredLabel={t("form.required")}>
      {({ id, describedBy, invalid }) => (
        <div className="slds-select_container">
          <select
            id={id}
            className="slds-select"
            value={value}
            disabled={disabled}
            aria-describedby={describedBy}
            aria-invalid={invalid || undefined}
            onChange={(event) => onChange(event.target.value)}
          >
            {options.map((each) => (
              <option key={each.value} value={each.value}>
                {each.label}
              </option>
            ))}
          </select>
        </div>
      )}
    </FormElement>
  );
}

export function CheckField({
  label,
  value,
  onChange,
  disabled = false,
  help,
}: {
  label: string;
  value: boolean;
  onChange: (value: boolean) => void;
  disabled?: boolean;
  help?: string;
}): ReactNode {
  const id = useId();
  return (
    <div className="slds-form-element setup-check">
      <input
        id={id}
        type="checkbox"
        checked={value}
        disabled={disabled}
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        onChange={(event) => onChange(event.target.checked)}
      />
      <label htmlFor={id}>{label}</label>
      {help !== undefined && (
        <div id={`${id}-help`} className="slds-form-element__help setup-check__help">
          {help}
        </div>
      )}
    </div>
  );
}

/** One of a few choices, all of them to be seen. */
export function ChoiceField({
  legend,
  value,
  onChange,
  options,
}: {
  legend: string;
  value: string;
  onChange: (value: string) => void;
  options: (Option & { more?: ReactNode })[];
}): ReactNode {
  const name = useId();
  return (
    <fieldset className="slds-form-element setup-choice">
      <legend className="slds-form-element__label">{legend}</legend>
      {options.map((each) => (
        <div key={each.value} className="setup-choice__option">
          <label>
            <input
              type="radio"
              name={name}
              value={each.value}
              checked={value === each.value}
              onChange={() => onChange(each.value)}
            />
            <span>{each.label}</span>
          </label>
          {each.value === value && each.more}
        </div>
      ))}
    </fieldset>
  );
}

/** What may be chosen on the left, what is chosen on the right, in order. */
export function DualList({
  label,
  options,
  chosen,
  onChange,
  most,
}: {
  label: string;
  options: Option[];
  chosen: string[];
  onChange: (next: string[]) => void;
  most?: number;
}): ReactNode {
  const { t } = useTranslation();
  const [left, setLeft] = useState<string[]>([]);
  const [right, setRight] = useState<string[]>([]);
  const labels = new Map(options.map((each) => [each.value, each.label]));
  const rest = options.filter((each) => !chosen.includes(each.value));
  const values = (select: HTMLSelectElement) => [...select.selectedOptions].map((each) => each.value);
  const move = (by: number) => {
    const next = [...chosen];
    const order = by < 0 ? right : [...right].reverse();
    for (const each of order) {
      const at = next.indexOf(each);
      const to = at + by;
      if (to < 0 || to >= next.length || right.includes(next[to] ?? "")) continue;
      next.splice(at, 1);
      next.splice(to, 0, each);
    }
    onChange(next);
  };
  const list = (name: string, entries: Option[], selected: string[], set: (next: string[]) => void) => (
    <div className="setup-dual__list">
      <span className="slds-form-element__label" aria-hidden="true">
        {name}
      </span>
      <select
        multiple
        size={7}
        className="slds-select"
        aria-label={`${label}: ${name}`}
        value={selected}
        onChange={(event) => set(values(event.target))}
      >
        {entries.map((each) => (
          <option key={each.value} value={each.value}>
            {each.label}
          </option>
        ))}
      </select>
    </div>
  );
  return (
    <div className="setup-dual" role="group" aria-label={label}>
      {list(t("setup.available"), rest, left, setLeft)}
      <div className="setup-dual__buttons">
        <IconButton
          icon="utility:right"
          label={t("setup.add")}
          variant="border-filled"
          disabled={left.length === 0 || (most !== undefined && chosen.length + left.length > most)}
          onClick={() => {
            onChange([...chosen, ...left]);
            setLeft([]);
          }}
        />
        <IconButton
          icon="utility:left"
          label={t("setup.remove")}
          variant="border-filled"
          disabled={right.length === 0}
          onClick={() => {
            onChange(chosen.filter((each) => !right.includes(each)));
            setRight([]);
          }}
        />
      </div>
      {list(
        t("setup.selected"),
        chosen.map((each) => ({ value: each, label: labels.get(each) ?? each })),
        right,
        setRight,
      )}
      <div className="setup-dual__buttons">
        <IconButton
          icon="utility:up"
          label={t("setup.up")}
          variant="border-filled"
          disabled={right.length === 0}
          onClick={() => move(-1)}
        />
        <IconButton
          icon="utility:down"
          label={t("setup.down")}
          variant="border-filled"
          disabled={right.length === 0}
          onClick={() => move(1)}
        />
      </div>
    </div>
  );
}

/** A question before something that cannot be taken back. */
export function Question({
  title,
  children,
  confirm,
  busy,
  error,
  onConfirm,
  onClose,
  destructive = true,
}: {
  title: string;
  children: ReactNode;
  confirm: string;
  busy: boolean;
  error?: unknown;
  onConfirm: () => void;
  onClose: () => void;
  destructive?: boolean;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <Modal
      title={title}
      closeLabel={t("form.close")}
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button variant={destructive ? "destructive" : "brand"} disabled={busy} onClick={onConfirm}>
            {confirm}
          </Button>
        </>
      }
    >
      <Refusal error={error} />
      {children}
    </Modal>
  );
}
