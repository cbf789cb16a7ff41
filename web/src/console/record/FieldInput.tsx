/** The control for a field's value, by type; and the look-up of a related record. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Combobox } from "../../ui/Combobox.tsx";
import { FormElement, IconButton } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { inputNumber, parseNumber } from "../../ui/format.ts";
import { searchRecords } from "../data/lists.ts";
import { region } from "../data/session.ts";
import type { Field, SearchHit } from "../data/types.ts";
import { DateInput, DateTimeInput } from "../locale/DateInput.tsx";
import { isRequired } from "./problems.ts";
import { objectIcon, rowName } from "./names.ts";

export interface InputProps {
  field: Field;
  value: unknown;
  /** Name of the record that a look-up points to now. */
  referenceName?: string | undefined;
  error?: string | undefined;
  onChange: (value: unknown) => void;
  autoFocus?: boolean;
}

export function FieldInput({
  field,
  value,
  referenceName,
  error,
  onChange,
  autoFocus = false,
}: InputProps): ReactNode {
  const { t } = useTranslation();
  if (field.type === "boolean") {
    return <CheckboxInput field={field} checked={value === true} onChange={onChange} />;
  }
  return (
    <FormElement
      label={field.label}
      required={isRequired(field)}
      requiredLabel={t("form.required")}
      error={error}
      help={field.inlineHelpText ?? undefined}
    >
      {(control) => {
        const shared = {
          id: control.id,
          "aria-describedby": control.describedBy,
          "aria-invalid": control.invalid || undefined,
          "aria-required": isRequired(field) || undefined,
          "data-autofocus": autoFocus || undefined,
          "data-field": field.name,
        };
        const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
        switch (field.type) {
          case "textarea":
            return (
              <textarea
                {...shared}
                className="slds-textarea"
                rows={4}
                value={text}
                onChange={(event) => onChange(event.target.value)}
              />
            );
          case "picklist":
            return (
              <div className="slds-select_container">
                <select
                  {...shared}
                  className="slds-select"
                  value={text}
                  onChange={(event) => onChange(event.target.value)}
                >
                  <option value="">{t("form.none")}</option>
                  {picklistOf(field, text).map((each) => (
                    <option key={each.value} value={each.value}>
                      {each.label}
                    </option>
                  ))}
                </select>
              </div>
            );
          case "reference":
            return (
              <Lookup
                field={field}
                value={text}
                name={referenceName}
                id={control.id}
                invalid={control.invalid}
                describedBy={control.describedBy}
                onChange={onChange}
              />
            );
          case "date":
            return <DateInput {...shared} value={text} onChange={onChange} />;
          case "datetime":
            return <DateTimeInput {...shared} value={text} label={field.label} onChange={onChange} />;
          case "int":
          case "double":
          case "currency":
          case "percent":
            return <NumberInput {...shared} value={value} onChange={onChange} />;
          default:
            return (
              <input
                {...shared}
                className="slds-input"
                type={
                  field.type === "email"
                    ? "email"
                    : field.type === "phone"
                      ? "tel"
                      : field.type === "url"
                        ? "url"
                        : "text"
                }
                autoComplete="off"
                value={text}
                onChange={(event) => onChange(event.target.value)}
              />
            );
        }
      }}
    </FormElement>
  );
}

/** Active values, and the current one even when it is active no more. */
function picklistOf(field: Field, current: string): { value: string; label: string }[] {
  const active = field.picklistValues.filter((each) => each.active);
  return current === "" || active.some((each) => each.value === current)
    ? active
    : [...active, { value: current, label: current }];
}

function CheckboxInput({
  field,
  checked,
  onChange,
}: {
  field: Field;
  checked: boolean;
  onChange: (value: boolean) => void;
}): ReactNode {
  const id = `checkbox-${field.name}`;
  return (
    <div className="slds-form-element">
      <div className="slds-form-element__control">
        <div className="slds-checkbox">
          <input
            type="checkbox"
            id={id}
            data-field={field.name}
            checked={checked}
            onChange={(event) => onChange(event.target.checked)}
          />
          <label className="slds-checkbox__label" htmlFor={id}>
            <span className="slds-checkbox_faux" />
            <span className="slds-form-element__label">{field.label}</span>
          </label>
        </div>
      </div>
    </div>
  );
}

/** Digits as they are typed; the value is a number, `NaN` for what is none, null for nothing. */
function NumberInput({
  value,
  onChange,
  ...rest
}: {
  id: string;
  value: unknown;
  onChange: (value: number | null) => void;
}): ReactNode {
  const [typed, setTyped] = useState(
    typeof value === "number" && !Number.isNaN(value) ? inputNumber(value, region()) : "",
  );
  return (
    <input
      {...rest}
      className="slds-input"
      inputMode="decimal"
      value={typed}
      onChange={(event) => {
        setTyped(event.target.value);
        onChange(event.target.value.trim() === "" ? null : parseNumber(event.target.value, region()));
      }}
    />
  );
}

const WAIT_MS = 150;

function Lookup({
  field,
  value,
  name,
  id,
  invalid,
  describedBy,
  onChange,
}: {
  field: Field;
  value: string;
  name: string | undefined;
  id: string;
  invalid: boolean;
  describedBy: string | undefined;
  onChange: (value: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [hits, setHits] = useState<(SearchHit & { object: string })[]>([]);
  const [searching, setSearching] = useState(false);
  const [chosenName, setChosenName] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const chosen = useRef<HTMLInputElement>(null);
  const objects = field.referenceTo.join(",");

  useEffect(() => {
    const wanted = text.trim();
    if (wanted.length < 2) {
      setHits([]);
      setSearching(false);
      return;
    }
    const controller = new AbortController();
    setSearching(true);
    const timer = window.setTimeout(() => {
      searchRecords(wanted, objects.split(","), controller.signal).then(
        (groups) => {
          setHits(
            groups
              .flatMap((group) => group.records.map((hit) => ({ ...hit, object: group.object })))
              .slice(0, 8),
          );
          setSearching(false);
        },
        () => {
          if (!controller.signal.aborted) setSearching(false);
        },
      );
    }, WAIT_MS);
    return () => {
      window.clearTimeout(timer);
      controller.abort();
    };
  }, [text, objects]);

  if (value !== "") {
    const icon = objectIcon(field.referenceTo[0] ?? "");
    return (
      <div className="console-pill">
        <Icon name={icon.name} size="small" className={icon.className} />
        <input
          id={id}
          ref={chosen}
          className="console-pill__name"
          readOnly
          data-field={field.name}
          aria-describedby={describedBy}
          value={chosenName ?? name ?? value}
        />
        <IconButton
          icon="utility:close"
          label={t("form.clear", { label: field.label })}
          small
          onClick={() => {
            setChosenName(null);
            setText("");
            onChange("");
            window.setTimeout(() => input.current?.focus());
          }}
        />
      </div>
    );
  }
  return (
    <Combobox
      id={id}
      inputRef={input}
      text={text}
      onText={setText}
      invalid={invalid}
      describedBy={describedBy}
      placeholder={t("lookup.placeholder", { label: field.label })}
      listLabel={field.label}
      suggestions={hits.map((hit) => {
        const icon = objectIcon(hit.object);
        return { key: hit.Id, label: rowName(hit), icon: icon.name, iconClassName: icon.className };
      })}
      note={
        text.trim().length < 2
          ? t("lookup.hint")
          : searching && hits.length === 0
            ? t("search.searching")
            : hits.length === 0
              ? t("search.nothing", { text: text.trim() })
              : undefined
      }
      onPick={(key) => {
        const hit = hits.find((each) => each.Id === key);
        setChosenName(hit === undefined ? null : rowName(hit));
        onChange(key);
        // The field stays under the keys: its chosen form takes the place of the search.
        window.setTimeout(() => chosen.current?.focus());
      }}
    />
  );
}
