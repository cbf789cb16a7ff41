/** A field that points to a record: seen lately, or found by what is typed; of one object at a time. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Combobox } from "../../ui/Combobox.tsx";
import { Icon, Symbol } from "../../ui/Icon.tsx";
import { candidates, rowOf, type Candidate } from "../data/records.ts";
import { objectOfId, objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Field } from "../data/types.ts";
import { isRecordId } from "../router.ts";
import { openNewFor } from "../shell/workspace.ts";
import { candidateName, objectIcon, rowName } from "./names.ts";

const WAIT_MS = 150;

export function Lookup({
  object,
  field,
  value,
  name,
  id,
  invalid,
  describedBy,
  onChange,
  onChoose,
}: {
  object: string;
  field: Field;
  value: string;
  /** Name of the record that the field points to now. */
  name: string | undefined;
  id: string;
  invalid: boolean;
  describedBy: string | undefined;
  onChange: (value: string) => void;
  /** Tells what was chosen, for those who need more than its id. */
  onChoose?: (chosen: Candidate | null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const known = useStore(objects);
  const [text, setText] = useState("");
  const [found, setFound] = useState<Candidate[]>([]);
  const [searching, setSearching] = useState(false);
  const [asked, setAsked] = useState(false);
  const [chosen, setChosen] = useState<{ id: string; name: string } | null>(null);
  const targets = field.referenceTo
    .filter((each) => known.size === 0 || known.has(each) || each === "Group")
    .sort((one, other) => Number(other === "User") - Number(one === "User"));
  const [of, setOf] = useState<string>(() => targets[0] ?? "");
  const input = useRef<HTMLInputElement>(null);
  const selected = useRef<HTMLInputElement>(null);
  const several = targets.length > 1;
  const target = several ? of : (targets[0] ?? "");
  const makes = target !== "User" && known.get(target)?.createable === true;

  useEffect(() => {
    if (!asked) return;
    const controller = new AbortController();
    setSearching(true);
    const timer = window.setTimeout(
      () => {
        candidates(object, field.name, text.trim(), several ? of : "", controller.signal).then(
          (answer) => {
            setFound(answer);
            setSearching(false);
          },
          () => {
            if (!controller.signal.aborted) setSearching(false);
          },
        );
      },
      text === "" ? 0 : WAIT_MS,
    );
    return () => {
      window.clearTimeout(timer);
      controller.abort();
    };
  }, [asked, text, of, several, object, field.name]);

  // A value that came from elsewhere (a default, another window) is known by its id only.
  const nameless = value !== "" && name === undefined && chosen?.id !== value;
  useEffect(() => {
    if (!nameless || !isRecordId(value)) return;
    let wanted = true;
    rowOf(value).then(
      (row) => {
        if (wanted) setChosen({ id: value, name: rowName(row) });
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [nameless, value]);

  if (value !== "") {
    const icon = objectIcon(objectOfId(value) ?? field.referenceTo[0] ?? "");
    return (
      <div className="slds-combobox_container slds-has-selection">
        <div className="slds-combobox slds-dropdown-trigger slds-dropdown-trigger_click">
          <div
            className="slds-combobox__form-element slds-input-has-icon slds-input-has-icon_left-right"
            role="none"
          >
            <Icon
              name={icon.name}
              size="small"
              className={`${icon.className} slds-combobox__input-entity-icon`}
            />
            <input
              id={id}
              ref={selected}
              className="slds-input slds-combobox__input slds-combobox__input-value"
              readOnly
              data-field={field.name}
              aria-describedby={describedBy}
              aria-invalid={invalid || undefined}
              value={chosen?.id === value ? chosen.name : (name ?? value)}
              onKeyDown={(event) => {
                if (event.key === "Backspace" || event.key === "Delete") clear();
              }}
            />
            <button
              type="button"
              className="slds-button slds-button_icon slds-input__icon slds-input__icon_right"
              aria-label={t("form.clear", { label: field.label })}
              title={t("form.clear", { label: field.label })}
              onClick={clear}
            >
              <Symbol name="utility:close" className="slds-button__icon" />
            </button>
          </div>
        </div>
      </div>
    );
  }

  function clear() {
    setChosen(null);
    setText("");
    onChange("");
    onChoose?.(null);
    window.setTimeout(() => input.current?.focus());
  }

  const box = (
    <Combobox
      id={id}
      inputRef={input}
      text={text}
      onText={(next) => {
        setAsked(true);
        setText(next);
      }}
      onFocus={() => setAsked(true)}
      invalid={invalid}
      describedBy={describedBy}
      placeholder={t("lookup.placeholder", { label: several ? labelOf(of) : field.label })}
      listLabel={field.label}
      heading={text.trim() === "" ? t("lookup.recent") : undefined}
      suggestions={found.map((each) => {
        const icon = objectIcon(each.object);
        return {
          key: each.id,
          label: candidateName(each),
          meta: each.about ?? undefined,
          icon: icon.name,
          iconClassName: icon.className,
        };
      })}
      note={
        searching && found.length === 0
          ? t("search.searching")
          : found.length === 0 && asked
            ? text.trim() === ""
              ? t("lookup.type")
              : t("search.nothing", { text: text.trim() })
            : undefined
      }
      onPick={(key) => {
        const hit = found.find((each) => each.id === key);
        if (hit !== undefined) setChosen({ id: hit.id, name: candidateName(hit) });
        onChange(key);
        onChoose?.(hit ?? null);
        // The field stays under the keys: its chosen form takes the place of the search.
        window.setTimeout(() => selected.current?.focus());
      }}
      action={
        makes
          ? {
              label: t("new.title", { label: labelOf(target) }),
              run: () =>
                openNewFor(target, (made) => {
                  setChosen(made);
                  onChange(made.id);
                  window.setTimeout(() => selected.current?.focus());
                }),
            }
          : undefined
      }
    />
  );
  if (!several) return <div data-field-box={field.name}>{box}</div>;

  return (
    <div className="slds-combobox-group record-lookup" data-field-box={field.name}>
      <div className="slds-select_container slds-combobox-addon_start">
        <select
          className="slds-select"
          aria-label={t("lookup.object", { label: field.label })}
          value={of}
          onChange={(event) => {
            setFound([]);
            setOf(event.target.value);
          }}
        >
          {targets.map((each) => (
            <option key={each} value={each}>
              {labelOf(each)}
            </option>
          ))}
        </select>
      </div>
      <div className="slds-combobox-addon_end">{box}</div>
    </div>
  );

  function labelOf(name_: string): string {
    return name_ === "Group" ? t("lookup.queue") : (known.get(name_)?.label ?? name_);
  }
}
