/** Several values of a picklist: what there is on the left, what is chosen on the right. */
import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../ui/controls.tsx";
import type { Field, PicklistValue } from "../data/types.ts";

/** `a;b` as the API writes it, in the picklist's own order. */
const joined = (field: Field, values: Set<string>): string => {
  const ordered = field.picklistValues.map((each) => each.value).filter((value) => values.has(value));
  const foreign = [...values].filter((value) => !ordered.includes(value));
  return [...ordered, ...foreign].join(";");
};

export function MultiPicklist({
  field,
  value,
  id,
  describedBy,
  onChange,
}: {
  field: Field;
  value: string;
  id: string;
  describedBy: string | undefined;
  onChange: (value: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const chosen = new Set(value === "" ? [] : value.split(";"));
  const labelled = (each: string): PicklistValue =>
    field.picklistValues.find((one) => one.value === each) ?? {
      value: each,
      label: each,
      active: false,
      defaultValue: false,
    };
  const left = field.picklistValues.filter((each) => each.active && !chosen.has(each.value));
  const right = joined(field, chosen).split(";").filter(Boolean).map(labelled);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());

  function move(values: string[], into: boolean) {
    const next = new Set(chosen);
    for (const each of values) {
      if (into) next.add(each);
      else next.delete(each);
    }
    setMarked(new Set());
    onChange(joined(field, next));
  }
  const markedIn = (list: PicklistValue[]) =>
    list.map((each) => each.value).filter((each) => marked.has(each));

  return (
    <div
      className="slds-dueling-list"
      role="group"
      id={id}
      aria-label={field.label}
      aria-describedby={describedBy}
    >
      <Options
        label={t("multi.available")}
        values={left}
        marked={marked}
        onMark={setMarked}
        onMove={(values) => move(values, true)}
        dataField={field.name}
      />
      <div className="slds-dueling-list__column">
        <IconButton
          icon="utility:right"
          label={t("multi.add", { label: field.label })}
          variant="container"
          disabled={markedIn(left).length === 0}
          onClick={() => move(markedIn(left), true)}
        />
        <IconButton
          icon="utility:left"
          label={t("multi.remove", { label: field.label })}
          variant="container"
          disabled={markedIn(right).length === 0}
          onClick={() => move(markedIn(right), false)}
        />
      </div>
      <Options
        label={t("multi.chosen")}
        values={right}
        marked={marked}
        onMark={setMarked}
        onMove={(values) => move(values, false)}
      />
    </div>
  );
}

/** One of the two lists. Arrows move, Space marks several, Enter moves to the other list. */
function Options({
  label,
  values,
  marked,
  onMark,
  onMove,
  dataField,
}: {
  label: string;
  values: PicklistValue[];
  marked: ReadonlySet<string>;
  onMark: (marked: ReadonlySet<string>) => void;
  onMove: (values: string[]) => void;
  dataField?: string;
}): ReactNode {
  const labelId = useId();
  const list = useRef<HTMLUListElement>(null);
  const [at, setAt] = useState(0);
  const active = Math.min(at, values.length - 1);

  function onKeyDown(event: KeyboardEvent, value: string) {
    const go = (index: number) => {
      const next = Math.max(0, Math.min(values.length - 1, index));
      setAt(next);
      list.current?.querySelectorAll<HTMLElement>('[role="option"]')[next]?.focus();
    };
    if (event.key === "ArrowDown") go(active + 1);
    else if (event.key === "ArrowUp") go(active - 1);
    else if (event.key === " ") toggle(value);
    else if (event.key === "Enter") onMove(marked.has(value) ? [...marked] : [value]);
    else return;
    event.preventDefault();
  }

  function toggle(value: string) {
    const next = new Set(marked);
    if (next.has(value)) next.delete(value);
    else next.add(value);
    onMark(next);
  }

  return (
    <div className="slds-dueling-list__column">
      <span className="slds-form-element__label" id={labelId}>
        {label}
      </span>
      <div className="slds-dueling-list__options record-dueling">
        <ul
          ref={list}
          role="listbox"
          aria-labelledby={labelId}
          aria-multiselectable="true"
          className="slds-listbox slds-listbox_vertical"
        >
          {values.map((each, index) => (
            <li key={each.value} role="presentation" className="slds-listbox__item">
              <div
                role="option"
                aria-selected={marked.has(each.value)}
                tabIndex={index === active ? 0 : -1}
                data-field={index === active ? dataField : undefined}
                className={`slds-listbox__option slds-listbox__option_plain slds-media slds-media_small ${
                  marked.has(each.value) ? "slds-is-selected" : ""
                }`}
                onClick={() => {
                  setAt(index);
                  toggle(each.value);
                }}
                onDoubleClick={() => onMove([each.value])}
                onKeyDown={(event) => onKeyDown(event, each.value)}
              >
                <span className="slds-media__body slds-truncate" title={each.label}>
                  {each.label}
                </span>
              </div>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
