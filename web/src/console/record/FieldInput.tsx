/** The control for a field's value, by type; compounds as a group of them. */
import { useId, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { FormElement } from "../../ui/controls.tsx";
import { inputNumber, parseNumber } from "../../ui/format.ts";
import { region } from "../data/session.ts";
import type { Field } from "../data/types.ts";
import { DateInput, DateTimeInput } from "../locale/DateInput.tsx";
import type { Item } from "./layout.ts";
import { Lookup } from "./Lookup.tsx";
import { MultiPicklist } from "./MultiPicklist.tsx";
import { isRequired } from "./problems.ts";

export interface InputProps {
  /** The object that has the field. */
  object: string;
  field: Field;
  value: unknown;
  /** Name of the record that a look-up points to now. */
  referenceName?: string | undefined;
  error?: string | undefined;
  onChange: (value: unknown) => void;
  autoFocus?: boolean;
}

/** An item of a layout: one input, or the inputs of a compound with its name above them. */
export function ItemInput({
  item,
  input,
}: {
  item: Item;
  input: (field: Field) => Omit<InputProps, "field">;
}): ReactNode {
  if (item.parts.length === 0) return <FieldInput field={item.field} {...input(item.field)} />;
  return (
    <fieldset className="slds-form-element slds-form-element_compound">
      <legend className="slds-form-element__label slds-text-title_caps">{item.field.label}</legend>
      <div className="slds-form-element__control record-compound">
        {item.parts.map((part) => (
          <div key={part.name} className={part.type === "textarea" ? "record-compound__wide" : undefined}>
            <FieldInput field={part} {...input(part)} />
          </div>
        ))}
      </div>
    </fieldset>
  );
}

export function FieldInput({
  object,
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
                rows={field.length > 0 && field.length <= 255 ? 2 : 4}
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
                object={object}
                field={field}
                value={text}
                name={referenceName}
                id={control.id}
                invalid={control.invalid}
                describedBy={control.describedBy}
                onChange={onChange}
              />
            );
          case "multipicklist":
            return (
              <MultiPicklist
                field={field}
                value={text}
                id={control.id}
                describedBy={control.describedBy}
                onChange={onChange}
              />
            );
          case "combobox":
            return <TextWithChoices {...shared} field={field} value={text} onChange={onChange} />;
          case "time":
            return (
              <input
                {...shared}
                className="slds-input"
                type="time"
                value={text.slice(0, 5)}
                onChange={(event) =>
                  onChange(event.target.value === "" ? null : `${event.target.value}:00.000Z`)
                }
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
  const id = useId();
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

/** Free text with the org's values to choose from, such as the subject of an activity. */
function TextWithChoices({
  field,
  value,
  onChange,
  ...rest
}: {
  id: string;
  field: Field;
  value: string;
  onChange: (value: string) => void;
}): ReactNode {
  const listId = useId();
  return (
    <>
      <input
        {...rest}
        className="slds-input"
        type="text"
        autoComplete="off"
        list={listId}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      <datalist id={listId}>
        {field.picklistValues
          .filter((each) => each.active)
          .map((each) => (
            <option key={each.value} value={each.label} />
          ))}
      </datalist>
    </>
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
