/** Where a record stands on its way: the design system's path, and the button that takes it further. */
import { useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { refresh, saveRecord } from "../data/records.ts";
import type { Describe, PathInfo, PathStep, RecordView } from "../data/types.ts";
import { toast } from "../shell/toasts.ts";
import { drawn, following, type Drawn } from "./path.ts";
import { problemsOf } from "./problems.ts";

const STATES: Record<Drawn["state"], string> = {
  complete: "slds-path__item slds-is-complete",
  current: "slds-path__item slds-is-current",
  incomplete: "slds-path__item slds-is-incomplete",
  won: "slds-path__item slds-is-current slds-is-won",
  lost: "slds-path__item slds-is-current slds-is-lost",
};

export function PathBar({
  id,
  view,
  path,
  description,
  onConvert,
}: {
  id: string;
  view: RecordView;
  path: PathInfo;
  description: Describe;
  onConvert: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const value = view.record[path.field];
  const current = typeof value === "string" ? value : "";
  const steps = drawn(path, current);
  const [chosen, setChosen] = useState<string | null>(null);
  const [saving, setSaving] = useState(false);
  const [asking, setAsking] = useState<PathStep[] | null>(null);
  const list = useRef<HTMLUListElement>(null);
  const here = steps.find((step) => step.values.some((each) => each.value === current));
  const selected = steps.find((step) => step.key === chosen) ?? here ?? steps[0];
  const next = following(steps);
  const field = description.fields.find((each) => each.name === path.field);
  const writable = view.can_edit && field?.updateable === true;
  const elsewhere = selected !== undefined && selected.key !== here?.key;
  const target = elsewhere ? selected : next;

  async function set(step: PathStep) {
    setSaving(true);
    try {
      await saveRecord(id, { [path.field]: step.value }, { version: view.version });
      await refresh(id);
      setChosen(null);
      toast({ variant: "success", text: t("path.changed", { label: path.label, step: step.label }) });
    } catch (error) {
      const { record, fields } = problemsOf(error, description, t);
      await refresh(id);
      toast({ variant: "error", text: [...record, ...Object.values(fields)].join(" ") });
    } finally {
      setSaving(false);
      setAsking(null);
    }
  }

  function go(to: Drawn) {
    const [only, second] = to.values;
    if (only === undefined) return;
    if (only.kind === "converted") onConvert();
    else if (second !== undefined) setAsking(to.values);
    else void set(only);
  }

  function onKeyDown(event: KeyboardEvent) {
    const at = steps.findIndex((step) => step.key === selected?.key);
    const to =
      event.key === "ArrowRight"
        ? at + 1
        : event.key === "ArrowLeft"
          ? at - 1
          : event.key === "Home"
            ? 0
            : event.key === "End"
              ? steps.length - 1
              : null;
    const step = to === null ? undefined : steps[to];
    if (step === undefined) return;
    event.preventDefault();
    setChosen(step.key);
    list.current?.querySelectorAll<HTMLElement>('[role="option"]')[to ?? 0]?.focus();
  }

  return (
    <div className="slds-path record-path">
      <div className="slds-grid slds-path__track">
        <div className="slds-grid slds-path__scroller-container">
          <div className="slds-path__scroller">
            <div className="slds-path__scroller_inner">
              <ul
                ref={list}
                className="slds-path__nav"
                role="listbox"
                aria-orientation="horizontal"
                aria-label={path.label}
              >
                {steps.map((step) => {
                  const label = step.label === "" ? t("path.closed") : step.label;
                  const active = step.key === selected?.key;
                  return (
                    <li
                      key={step.key}
                      role="presentation"
                      className={`${STATES[step.state]} ${active ? "slds-is-active" : ""}`}
                    >
                      <a
                        className="slds-path__link"
                        role="option"
                        href="#"
                        tabIndex={active ? 0 : -1}
                        aria-selected={active}
                        title={label}
                        onClick={(event) => {
                          event.preventDefault();
                          setChosen(step.key);
                        }}
                        onKeyDown={onKeyDown}
                      >
                        <span className="slds-path__stage">
                          <Symbol name="utility:check" className="slds-icon slds-icon_x-small" />
                          <span className="slds-assistive-text">{t(`path.state.${step.state}`)}</span>
                        </span>
                        <span className="slds-path__title">{label}</span>
                      </a>
                    </li>
                  );
                })}
              </ul>
            </div>
          </div>
        </div>
        {writable && target !== null && target !== undefined && (
          <div className="slds-grid slds-path__action">
            <Button
              variant="brand"
              className="slds-path__mark-complete"
              disabled={saving}
              onClick={() => go(target)}
            >
              {!elsewhere && (
                <Symbol name="utility:check" className="slds-button__icon slds-button__icon_left" />
              )}
              {selected?.values[0]?.kind === "converted" && elsewhere
                ? t("action.convert")
                : elsewhere && selected?.key === "closed"
                  ? t("path.close", { label: path.label })
                  : t(elsewhere ? "path.current" : "path.complete", { label: path.label })}
            </Button>
          </div>
        )}
      </div>
      {asking !== null && (
        <EndDialog
          label={path.label}
          endings={asking}
          saving={saving}
          onClose={() => setAsking(null)}
          onSave={(step) => void set(step)}
        />
      )}
    </div>
  );
}

/** How the record ended, where there is more than one way. */
function EndDialog({
  label,
  endings,
  saving,
  onClose,
  onSave,
}: {
  label: string;
  endings: PathStep[];
  saving: boolean;
  onClose: () => void;
  onSave: (step: PathStep) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [value, setValue] = useState(endings[0]?.value ?? "");
  const chosen = endings.find((step) => step.value === value);
  return (
    <Modal
      title={t("path.close", { label })}
      closeLabel={t("form.close")}
      onClose={onClose}
      size="small"
      blocking={false}
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button
            variant="brand"
            disabled={saving || chosen === undefined}
            onClick={() => chosen !== undefined && onSave(chosen)}
          >
            {t("form.save")}
          </Button>
        </>
      }
    >
      <fieldset className="slds-form-element">
        <legend className="slds-form-element__legend slds-form-element__label">{label}</legend>
        <div className="slds-form-element__control">
          {endings.map((step, index) => (
            <span className="slds-radio" key={step.value}>
              <input
                type="radio"
                id={`ending-${index}`}
                name="ending"
                data-autofocus={index === 0 || undefined}
                checked={step.value === value}
                onChange={() => setValue(step.value)}
              />
              <label className="slds-radio__label" htmlFor={`ending-${index}`}>
                <span className="slds-radio_faux" />
                <span className="slds-form-element__label">{step.label}</span>
              </label>
            </span>
          ))}
        </div>
      </fieldset>
    </Modal>
  );
}
