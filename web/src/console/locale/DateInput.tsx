/**
 * Dates and times as the user's locale writes them: typed, or picked from the design system's calendar.
 *
 * What is typed is handed on as soon as it means something; what means nothing is handed on as it stands, for the
 * form to refuse. The input shows the locale's own form again when it is left.
 */
import "./dates.css";
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../ui/controls.tsx";
import {
  formatClock,
  formatDate,
  firstDayOfWeek,
  instantOf,
  moment,
  monthNames,
  parseDate,
  parseTime,
  spokenDate,
  wallClock,
  weekdays,
} from "../../ui/format.ts";
import { region as usersRegion } from "../data/session.ts";

/** Attributes of the input itself, as a form hands them out. */
export interface InputAttributes {
  id: string;
  "aria-describedby"?: string | undefined;
  "aria-invalid"?: boolean | undefined;
  "aria-required"?: boolean | undefined;
  "data-autofocus"?: boolean | undefined;
  "data-field"?: string;
}

const DAY = 86_400_000;
const isDate = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text);
const at = (date: string): number => Date.parse(`${date}T00:00:00Z`);
const dateOf = (day: number): string => new Date(day).toISOString().slice(0, 10);

export function DateInput({
  value,
  onChange,
  ...attributes
}: InputAttributes & {
  /** `YYYY-MM-DD`, or what was typed in its stead. */
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const region = usersRegion();
  const shown = isDate(value) ? formatDate(value, region) : value;
  const [typed, setTyped] = useState<string | null>(null);
  const [open, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const frame = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && frame.current?.contains(event.target) === false) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);

  function close() {
    setOpen(false);
    input.current?.focus();
  }

  return (
    <div
      ref={frame}
      className={`console-date slds-dropdown-trigger slds-dropdown-trigger_click ${open ? "slds-is-open" : ""}`}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <div className="slds-input-has-icon slds-input-has-icon_right">
        <input
          {...attributes}
          ref={input}
          type="text"
          className="slds-input"
          autoComplete="off"
          maxLength={40}
          value={typed ?? shown}
          onChange={(event) => {
            const text = event.target.value;
            setTyped(text);
            onChange(parseDate(text, region, Date.now()) ?? text.trim());
          }}
          onBlur={() => setTyped(null)}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" && event.altKey) {
              event.preventDefault();
              setOpen(true);
            }
          }}
        />
        <IconButton
          icon="utility:event"
          label={t("date.open")}
          className="slds-input__icon slds-input__icon_right"
          aria-haspopup="dialog"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        />
      </div>
      {open && (
        <Calendar
          value={isDate(value) ? value : ""}
          onPick={(date) => {
            setTyped(null);
            onChange(date);
            close();
          }}
          onClose={close}
        />
      )}
    </div>
  );
}

function Calendar({
  value,
  onPick,
  onClose,
}: {
  value: string;
  onPick: (date: string) => void;
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const region = usersRegion();
  const today = wallClock(Date.now(), region).date;
  const [focused, setFocused] = useState(value === "" ? today : value);
  const headingId = useId();
  const dialog = useRef<HTMLElement>(null);
  const moved = useRef(true);
  const [year, month] = [Number(focused.slice(0, 4)), Number(focused.slice(5, 7)) - 1];
  const names = monthNames(region);
  const first = firstDayOfWeek(region.locale);
  const start = Date.UTC(year, month, 1);
  const lead = (new Date(start).getUTCDay() - first + 7) % 7;
  const weeks = Math.ceil((lead + new Date(Date.UTC(year, month + 1, 0)).getUTCDate()) / 7);

  useEffect(() => {
    dialog.current?.scrollIntoView({ block: "nearest" });
  }, []);
  useEffect(() => {
    if (moved.current) dialog.current?.querySelector<HTMLElement>("[tabindex='0']")?.focus();
    moved.current = false;
  }, [focused]);

  /** The same day of another month, or its last one. */
  function turn(months: number): string {
    const length = new Date(Date.UTC(year, month + months + 1, 0)).getUTCDate();
    return dateOf(Date.UTC(year, month + months, Math.min(Number(focused.slice(8)), length)));
  }

  function onKeyDown(event: KeyboardEvent<HTMLElement>) {
    const weekday = (new Date(at(focused)).getUTCDay() - first + 7) % 7;
    const steps: Record<string, () => string> = {
      ArrowLeft: () => dateOf(at(focused) - DAY),
      ArrowRight: () => dateOf(at(focused) + DAY),
      ArrowUp: () => dateOf(at(focused) - 7 * DAY),
      ArrowDown: () => dateOf(at(focused) + 7 * DAY),
      Home: () => dateOf(at(focused) - weekday * DAY),
      End: () => dateOf(at(focused) + (6 - weekday) * DAY),
      PageUp: () => turn(event.shiftKey ? -12 : -1),
      PageDown: () => turn(event.shiftKey ? 12 : 1),
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    moved.current = true;
    setFocused(step());
  }

  const years = Array.from({ length: 201 }, (_, index) => Number(today.slice(0, 4)) - 100 + index);
  if (!years.includes(year)) years.push(year);
  return (
    <section
      ref={dialog}
      role="dialog"
      aria-labelledby={headingId}
      className="slds-datepicker slds-dropdown slds-dropdown_left console-calendar"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      <div className="slds-datepicker__filter slds-grid">
        <div className="slds-datepicker__filter_month slds-grid slds-grid_align-spread slds-grow">
          <div className="slds-align-middle">
            <IconButton
              icon="utility:left"
              label={t("date.previous")}
              variant="container"
              onClick={() => setFocused(turn(-1))}
            />
          </div>
          <h2 className="slds-align-middle" id={headingId} aria-live="polite">
            {names[month]}
          </h2>
          <div className="slds-align-middle">
            <IconButton
              icon="utility:right"
              label={t("date.next")}
              variant="container"
              onClick={() => setFocused(turn(1))}
            />
          </div>
        </div>
        <div className="slds-shrink-none">
          <div className="slds-select_container">
            <select
              className="slds-select"
              aria-label={t("date.year")}
              value={year}
              onChange={(event) => setFocused(turn((Number(event.target.value) - year) * 12))}
            >
              {years.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </div>
        </div>
      </div>
      <table className="slds-datepicker__month" role="grid" aria-labelledby={headingId} onKeyDown={onKeyDown}>
        <thead>
          <tr>
            {weekdays(region).map((day) => (
              <th key={day.long} scope="col">
                <abbr title={day.long}>{day.short}</abbr>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: weeks }, (_, week) => (
            <tr key={week}>
              {Array.from({ length: 7 }, (_, weekday) => {
                const date = dateOf(start + (week * 7 + weekday - lead) * DAY);
                const classes = [
                  date.slice(0, 7) === focused.slice(0, 7) ? "" : "slds-day_adjacent-month",
                  date === today ? "slds-is-today" : "",
                  date === value ? "slds-is-selected" : "",
                ];
                return (
                  <td key={date} className={classes.join(" ").trim()} aria-selected={date === value}>
                    <button
                      type="button"
                      tabIndex={date === focused ? 0 : -1}
                      className="slds-day console-calendar__day"
                      aria-label={spokenDate(date, region)}
                      aria-current={date === today ? "date" : undefined}
                      onClick={() => onPick(date)}
                    >
                      {Number(date.slice(8))}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <button
        type="button"
        className="slds-button slds-align_absolute-center slds-text-link"
        onClick={() => onPick(today)}
      >
        {t("date.today")}
      </button>
    </section>
  );
}

/** A moment: its date and its time of day on the clock of the user's time zone. */
export function DateTimeInput({
  value,
  label,
  onChange,
  ...attributes
}: InputAttributes & {
  /** A moment as REST gives it, or what was typed in its stead. */
  value: string;
  /** The field's name, for the input of the time. */
  label: string;
  onChange: (value: string | null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const region = usersRegion();
  const known = moment(value);
  const clock = known === null || !/^\d{4}-\d{2}-\d{2}T/.test(value) ? null : wallClock(known, region);
  const [date, setDate] = useState(clock?.date ?? "");
  const [time, setTime] = useState(clock?.time ?? "");
  const [typed, setTyped] = useState<string | null>(null);
  const given = useRef(value);

  // A value that came from elsewhere than from here replaces what is shown.
  if (given.current !== value) {
    given.current = value;
    setDate(clock?.date ?? "");
    setTime(clock?.time ?? "");
    setTyped(null);
  }

  function change(nextDate: string, nextTime: string) {
    setDate(nextDate);
    setTime(nextTime);
    const wanted = nextTime === "" && isDate(nextDate) ? "00:00" : nextTime;
    const whole =
      isDate(nextDate) && /^\d{2}:\d{2}$/.test(wanted) ? instantOf(nextDate, wanted, region) : null;
    const text = whole ?? `${nextDate} ${nextTime}`.trim();
    given.current = text;
    onChange(text === "" ? null : text);
  }

  return (
    <div className="console-datetime">
      <DateInput {...attributes} value={date} onChange={(next) => change(next, time)} />
      <input
        type="text"
        className="slds-input"
        autoComplete="off"
        maxLength={20}
        aria-label={`${label} ${t("date.time")}`}
        aria-invalid={attributes["aria-invalid"]}
        aria-describedby={attributes["aria-describedby"]}
        value={typed ?? (/^\d{2}:\d{2}$/.test(time) ? formatClock(time, region) : time)}
        onChange={(event) => {
          const text = event.target.value;
          setTyped(text);
          change(date, parseTime(text) ?? text.trim());
        }}
        onBlur={() => setTyped(null)}
      />
    </div>
  );
}
