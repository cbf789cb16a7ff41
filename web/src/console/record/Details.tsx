/**
 * The details of a record: read, and edited in place. Only what was changed is sent; what somebody else
 * changes meanwhile is shown without taking away what is typed.
 */
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton, Notice } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { announceView } from "../cti/view.ts";
import { refresh, updateRecord } from "../data/records.ts";
import { nameOrder } from "../data/session.ts";
import type { Describe, RecordView, Row } from "../data/types.ts";
import { isUnsaved, setUnsaved } from "../shell/workspace.ts";
import { toast } from "../shell/toasts.ts";
import { FieldInput } from "./FieldInput.tsx";
import { FieldValue, type Owner } from "./FieldValue.tsx";
import { editSections, readSections } from "./layout.ts";
import { objectIcon, referenceName, rowName } from "./names.ts";
import { check, hasProblems, NO_PROBLEMS, problemsOf, type Problems } from "./problems.ts";

export function Details({
  id,
  view,
  description,
}: {
  id: string;
  view: RecordView;
  description: Describe;
}): ReactNode {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<Row | null>(null);
  const [before, setBefore] = useState<Row>({});
  const [focus, setFocus] = useState<string | null>(null);
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [saving, setSaving] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const headingId = useId();
  const owner: Owner = { id, object: view.object, name: rowName(view.record) };
  const editing = draft !== null;
  const changed = draft === null ? [] : Object.keys(draft).filter((name) => !same(draft[name], before[name]));
  const dirty = changed.length > 0;
  const overtaken = editing && changed.some((name) => !same(view.record[name], before[name]));

  useEffect(() => setUnsaved(id, dirty), [id, dirty]);

  function edit(field: string | null) {
    if (!view.can_edit || editing) return;
    setBefore(view.record);
    setDraft({});
    setProblems(NO_PROBLEMS);
    setFocus(field);
  }

  function stop() {
    setDraft(null);
    setProblems(NO_PROBLEMS);
    setUnsaved(id, false);
  }

  // The page's own key, as in Lightning Experience: `e` begins to edit.
  useEffect(() => {
    function onKeyDown(event: KeyboardEvent) {
      if (event.key !== "e" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented)
        return;
      const at = event.target;
      if (
        at instanceof HTMLElement &&
        (at.isContentEditable || at.closest("input, textarea, select, [role=dialog]"))
      )
        return;
      event.preventDefault();
      edit(null);
    }
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  });

  const editable = editSections(description, view.fields, nameOrder(), "update");

  useEffect(() => {
    if (!editing) return;
    const wanted =
      (focus === null
        ? null
        : form.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(focus)}"]`)) ??
      form.current?.querySelector<HTMLElement>("[data-field]");
    wanted?.focus();
  }, [editing, focus]);

  function show(found: Problems) {
    setProblems(found);
    const first = Object.keys(found.fields)[0];
    if (first !== undefined) {
      window.setTimeout(() =>
        form.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(first)}"]`)?.focus(),
      );
    }
  }

  async function save(event?: FormEvent) {
    event?.preventDefault();
    if (draft === null || saving) return;
    if (!dirty) return stop();
    const values = Object.fromEntries(changed.map((name) => [name, blank(draft[name])]));
    const shown = editable.flatMap((section) => section.fields);
    const found = check(
      { ...view.record, ...values },
      shown.filter((field) => changed.includes(field.name)),
      t,
    );
    if (hasProblems(found)) return show(found);
    setSaving(true);
    try {
      await updateRecord(view.object, id, values);
      await refresh(id);
      stop();
      toast({
        variant: "success",
        text: t("record.saved", { label: view.label, name: rowName({ ...view.record, ...values }) }),
      });
      announceView();
    } catch (error) {
      show(problemsOf(error, description, t));
    } finally {
      setSaving(false);
    }
  }

  const icon = objectIcon(view.object);
  return (
    <article className="slds-card console-card" aria-labelledby={headingId}>
      <div className="slds-card__header slds-grid">
        <header className="slds-media slds-media_center slds-has-flexi-truncate">
          <div className="slds-media__figure">
            <Icon name={icon.name} size="small" className={icon.className} />
          </div>
          <div className="slds-media__body">
            <h2 className="slds-card__header-title" id={headingId}>
              {t("record.details")}
            </h2>
          </div>
          {view.can_edit && !editing && (
            <div className="slds-no-flex">
              <Button onClick={() => edit(null)} aria-keyshortcuts="e">
                {t("record.edit")}
              </Button>
            </div>
          )}
        </header>
      </div>
      {draft === null ? (
        <div className="slds-card__body slds-card__body_inner">
          {readSections(description, view.fields).map((section, index) => (
            <section key={index} className="console-section">
              {section.label !== "" && section.label !== t("record.details") && (
                <h3 className="console-section__title">{section.label}</h3>
              )}
              <dl className="console-fields">
                {section.fields.map((field) => {
                  const value = field.name === "Name" ? rowName(view.record) : view.record[field.name];
                  const target = typeof value === "string" ? view.references[value] : undefined;
                  return (
                    <div
                      key={field.name}
                      className={`console-field slds-hint-parent ${field.type === "textarea" ? "console-field_wide" : ""}`}
                      onDoubleClick={() => edit(field.name)}
                    >
                      <dt className="slds-form-element__label">{field.label}</dt>
                      <dd>
                        <span className="console-field__value">
                          <FieldValue
                            type={field.type}
                            value={value}
                            owner={owner}
                            picklist={field.picklistValues}
                            reference={
                              target === undefined || typeof value !== "string"
                                ? undefined
                                : { id: value, object: target.object, name: referenceName(target) }
                            }
                          />
                        </span>
                        {view.can_edit && (field.updateable || field.name === "Name") && (
                          <IconButton
                            icon="utility:edit"
                            label={t("record.edit.field", { label: field.label })}
                            className="console-field__edit"
                            small
                            onClick={() => edit(field.name === "Name" ? "LastName" : field.name)}
                          />
                        )}
                      </dd>
                    </div>
                  );
                })}
              </dl>
            </section>
          ))}
        </div>
      ) : (
        <form
          ref={form}
          noValidate
          aria-labelledby={headingId}
          onSubmit={(event) => void save(event)}
          onKeyDown={(event) => {
            if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              void save();
            } else if (event.key === "Escape" && !event.defaultPrevented && !isUnsaved(id)) stop();
          }}
        >
          <div className="slds-card__body slds-card__body_inner">
            {problems.record.map((text) => (
              <div key={text} className="slds-m-bottom_small">
                <Notice variant="error">{text}</Notice>
              </div>
            ))}
            {overtaken && (
              <div className="slds-m-bottom_small">
                <Notice variant="warning">{t("record.overtaken")}</Notice>
              </div>
            )}
            {editable.map((section, index) => (
              <section key={index} className="console-section">
                {section.label !== "" && section.label !== t("record.details") && (
                  <h3 className="console-section__title">{section.label}</h3>
                )}
                <div className="console-fields console-fields_edit">
                  {section.fields.map((field) => {
                    const value = Object.hasOwn(draft, field.name)
                      ? draft[field.name]
                      : view.record[field.name];
                    const target = typeof value === "string" ? view.references[value] : undefined;
                    return (
                      <div
                        key={field.name}
                        className={field.type === "textarea" ? "console-field_wide" : undefined}
                      >
                        <FieldInput
                          field={field}
                          value={value}
                          referenceName={target === undefined ? undefined : referenceName(target)}
                          error={problems.fields[field.name]}
                          onChange={(next) => setDraft((current) => ({ ...current, [field.name]: next }))}
                        />
                      </div>
                    );
                  })}
                </div>
              </section>
            ))}
          </div>
          <div className="console-form-footer">
            <Button onClick={stop} disabled={saving}>
              {t("form.cancel")}
            </Button>
            <Button variant="brand" type="submit" disabled={saving} aria-keyshortcuts="Control+s">
              {saving ? t("form.saving") : t("form.save")}
            </Button>
          </div>
        </form>
      )}
    </article>
  );
}

const blank = (value: unknown): unknown => (value === "" ? null : value);
const same = (one: unknown, other: unknown): boolean => (blank(one) ?? null) === (blank(other) ?? null);
