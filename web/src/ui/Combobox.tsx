/**
 * A text field with a list of suggestions under it (ARIA combobox with a list box): search, look-ups.
 * The caller owns the text and the suggestions; this owns keys, focus and markup.
 */
import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { Icon, Symbol } from "./Icon.tsx";
import { useOutside } from "./controls.tsx";

export interface Suggestion {
  key: string;
  label: string;
  meta?: string | undefined;
  icon?: string | undefined;
  /** Background of the icon. */
  iconClassName?: string | undefined;
}

export function Combobox({
  id,
  text,
  onText,
  suggestions,
  onPick,
  onEnter,
  placeholder,
  listLabel,
  label,
  heading,
  note,
  invalid = false,
  describedBy,
  className = "",
  inputRef,
  shortcut,
  onFocus,
  action,
}: {
  id?: string;
  text: string;
  onText: (text: string) => void;
  suggestions: Suggestion[];
  onPick: (key: string) => void;
  /** Enter without a chosen suggestion. */
  onEnter?: () => void;
  placeholder?: string;
  listLabel: string;
  /** Spoken name where no visible label points here. */
  label?: string;
  heading?: string | undefined;
  /** A line under the suggestions: searching, nothing found. */
  note?: ReactNode;
  invalid?: boolean;
  describedBy?: string | undefined;
  className?: string;
  inputRef?: React.RefObject<HTMLInputElement | null>;
  shortcut?: string;
  onFocus?: () => void;
  /** What else can be done from the list, below all suggestions: making what is not there. */
  action?: { label: string; run: () => void } | undefined;
}): ReactNode {
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const root = useRef<HTMLDivElement>(null);
  const ownId = useId();
  const listId = `${ownId}-list`;
  const optionId = (index: number) => `${ownId}-option-${index}`;
  const count = suggestions.length + (action === undefined ? 0 : 1);
  const at = Math.min(active, count - 1);
  const shown = open && (count > 0 || Boolean(note));
  useOutside(root, open, () => setOpen(false));

  function pick(key: string) {
    setOpen(false);
    setActive(-1);
    onPick(key);
  }

  function act() {
    setOpen(false);
    setActive(-1);
    action?.run();
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (count > 0) setActive(at < 0 ? (step > 0 ? 0 : count - 1) : (at + step + count) % count);
    } else if (event.key === "Enter") {
      const chosen = open && at >= 0 ? suggestions[at] : undefined;
      if (chosen !== undefined) {
        event.preventDefault();
        pick(chosen.key);
      } else if (open && at >= 0 && at === suggestions.length) {
        event.preventDefault();
        act();
      } else if (onEnter !== undefined) {
        event.preventDefault();
        setOpen(false);
        onEnter();
      }
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      setOpen(false);
      setActive(-1);
    } else if (event.key === "Tab") {
      setOpen(false);
    }
  }

  return (
    <div className={`slds-combobox_container ${className}`} ref={root}>
      <div
        className={`slds-combobox slds-dropdown-trigger slds-dropdown-trigger_click ${shown ? "slds-is-open" : ""}`}
      >
        <div className="slds-combobox__form-element slds-input-has-icon slds-input-has-icon_left" role="none">
          <Symbol
            name="utility:search"
            className="slds-icon slds-input__icon slds-input__icon_left slds-icon-text-default"
          />
          <input
            ref={inputRef}
            id={id ?? `${ownId}-input`}
            className="slds-input slds-combobox__input"
            type="text"
            role="combobox"
            autoComplete="off"
            aria-label={label}
            aria-autocomplete="list"
            aria-expanded={shown}
            aria-controls={listId}
            aria-haspopup="listbox"
            aria-activedescendant={shown && at >= 0 ? optionId(at) : undefined}
            aria-invalid={invalid || undefined}
            aria-describedby={describedBy}
            aria-keyshortcuts={shortcut}
            placeholder={placeholder}
            value={text}
            onChange={(event) => {
              setOpen(true);
              setActive(-1);
              onText(event.target.value);
            }}
            onFocus={() => onFocus?.()}
            onClick={() => setOpen(true)}
            onKeyDown={onKeyDown}
          />
        </div>
        <div
          id={listId}
          className="slds-dropdown slds-dropdown_length-with-icon-7 slds-dropdown_fluid ui-suggestions"
          role="listbox"
          aria-label={listLabel}
          hidden={!shown}
        >
          {heading !== undefined && suggestions.length > 0 && (
            <div className="ui-suggestions__heading" role="presentation">
              {heading}
            </div>
          )}
          <ul className="slds-listbox slds-listbox_vertical" role="presentation">
            {suggestions.map((each, index) => (
              <li key={each.key} role="presentation" className="slds-listbox__item">
                <div
                  id={optionId(index)}
                  role="option"
                  aria-selected={index === at}
                  className={`slds-media slds-media_center slds-listbox__option slds-listbox__option_entity ${
                    each.meta ? "slds-listbox__option_has-meta" : ""
                  } ${index === at ? "slds-has-focus" : ""}`}
                  onPointerDown={(event) => event.preventDefault()}
                  onPointerMove={() => setActive(index)}
                  onClick={() => pick(each.key)}
                >
                  {each.icon !== undefined && (
                    <span className="slds-media__figure slds-listbox__option-icon">
                      <Icon
                        name={each.icon}
                        size={each.icon.startsWith("utility:") ? "x-small" : "small"}
                        className={each.iconClassName ?? "ui-suggestions__icon"}
                      />
                    </span>
                  )}
                  <span className="slds-media__body">
                    <span className="slds-listbox__option-text slds-listbox__option-text_entity">
                      {each.label}
                    </span>
                    {each.meta !== undefined && each.meta !== "" && (
                      <span className="slds-listbox__option-meta slds-listbox__option-meta_entity">
                        {each.meta}
                      </span>
                    )}
                  </span>
                </div>
              </li>
            ))}
            {action !== undefined && (
              <li role="presentation" className="slds-listbox__item">
                <div
                  id={optionId(suggestions.length)}
                  role="option"
                  aria-selected={at === suggestions.length}
                  className={`slds-media slds-media_center slds-listbox__option slds-listbox__option_entity ${
                    at === suggestions.length ? "slds-has-focus" : ""
                  }`}
                  onPointerDown={(event) => event.preventDefault()}
                  onPointerMove={() => setActive(suggestions.length)}
                  onClick={act}
                >
                  <span className="slds-media__figure slds-listbox__option-icon">
                    <Icon name="utility:add" size="x-small" className="ui-suggestions__icon" />
                  </span>
                  <span className="slds-media__body">
                    <span className="slds-listbox__option-text slds-listbox__option-text_entity">
                      {action.label}
                    </span>
                  </span>
                </div>
              </li>
            )}
          </ul>
          {note !== undefined && note !== null && (
            <div className="ui-suggestions__note" role="status">
              {note}
            </div>
          )}
        </div>
      </div>
    </div>
  );
}
