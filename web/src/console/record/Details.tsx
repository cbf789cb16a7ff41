/**
 * The details of a record: read, and edited in place. Only what was changed is sent, over the state it was typed
 * over; what somebody else saves meanwhile is shown without taking away what is typed, and both people are told.
 */
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton, Notice } from "../../ui/controls.tsx";
import { formatTime } from "../../ui/format.ts";
import { ApiError } from "../data/client.ts";
import { announceView } from "../cti/view.ts";
import { knownRecord, refresh, saveRecord } from "../data/records.ts";
import { nameOrder, region, session } from "../data/session.ts";
import type { Describe, Field, RecordView, Row } from "../data/types.ts";
import { isUnsaved, setUnsaved } from "../shell/workspace.ts";
import { toast } from "../shell/toasts.ts";
import { conflict, same } from "./conflict.ts";
import { DuplicatesFound, duplicatesIn, type Found } from "./DuplicatesFound.tsx";
import { ItemInput } from "./FieldInput.tsx";
import { FieldValue, type Owner } from "./FieldValue.tsx";
import { focusField } from "./focus.ts";
import { editSections, fieldsOf, gridOf, placeOf, readSections, type Item } from "./layout.ts";
import { referenceName, rowName } from "./names.ts";
import { check, hasProblems, NO_PROBLEMS, problemsOf, type Problems } from "./problems.ts";

interface Draft {
  values: Row;
  /** The record as it was when editing began. */
  before: Row;
  /** A state of the record that this person has seen and means to overwrite. */
  agreed: string | null;
}

const changedIn = ({ values, before }: Draft): string[] =>
  Object.keys(values).filter((name) => !same(values[name], before[name]));

export function Details({
  id,
  view,
  description,
  editAsked,
  onEditing,
}: {
  id: string;
  view: RecordView;
  description: Describe;
  /** Grows each time somebody asks, elsewhere on the page, to edit. */
  editAsked: number;
  /** Editing began: these details must be in sight. */
  onEditing: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<Draft | null>(null);
  const [focus, setFocus] = useState<string | null>(null);
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [found, setFound] = useState<Found | null>(null);
  const [saving, setSaving] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const headingId = useId();
  const lang = nameOrder();
  const editing = draft !== null;
  const dirty = draft !== null && changedIn(draft).length > 0;
  const editable = editSections(description, view.fields, lang, "update");
  const writable = fieldsOf(editable);
  const { theirs, both } =
    draft === null
      ? { theirs: [], both: [] }
      : conflict(draft.before, view.record, changedIn(draft), description.fields);

  useEffect(() => setUnsaved(id, dirty), [id, dirty]);

  function edit(field: string | null) {
    if (!view.can_edit || editing) return;
    setDraft({ values: {}, before: view.record, agreed: null });
    setProblems(NO_PROBLEMS);
    setFound(null);
    setFocus(field);
    onEditing();
  }

  useEffect(() => {
    if (editAsked > 0) edit(null);
    // Only a new wish begins to edit.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [editAsked]);

  function stop() {
    setDraft(null);
    setProblems(NO_PROBLEMS);
    setFound(null);
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

  useEffect(() => {
    if (editing) focusField(form.current, focus);
  }, [editing, focus]);

  function show(next: Problems) {
    setProblems(next);
    const first = writable.find((field) => next.fields[field.name] !== undefined);
    if (first !== undefined) window.setTimeout(() => focusField(form.current, first.name));
  }

  async function save(event?: FormEvent, allowDuplicates = false) {
    event?.preventDefault();
    if (draft === null || saving) return;
    const changed = changedIn(draft);
    if (changed.length === 0) return stop();
    if (both.length > 0 && draft.agreed !== view.version) {
      return show({ record: [t("conflict.choose")], fields: {} });
    }
    const values = Object.fromEntries(changed.map((name) => [name, blank(draft.values[name])]));
    const wrong = check(
      { ...view.record, ...values },
      writable.filter((field) => changed.includes(field.name)),
      t,
    );
    if (hasProblems(wrong)) return show(wrong);
    setSaving(true);
    setFound(null);
    try {
      await saveOver(values, view.version, allowDuplicates);
      await refresh(id);
      stop();
      toast({
        variant: "success",
        text: t("record.saved", { label: view.label, name: rowName({ ...view.record, ...values }) }),
      });
      announceView();
    } catch (error) {
      const alike = duplicatesIn(error);
      if (alike !== null) {
        setFound(alike);
        setProblems(NO_PROBLEMS);
      } else if (error instanceof ApiError && error.status === 412) {
        show({ record: [t("conflict.choose")], fields: {} });
      } else show(problemsOf(error, description, t));
    } finally {
      setSaving(false);
    }
  }

  /** Saves; where somebody was faster, reads again, and goes on only if both changed different fields. */
  async function saveOver(values: Row, version: string | null, allowDuplicates: boolean, again = true) {
    try {
      await saveRecord(id, values, { version, allowDuplicates });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412 || !again) throw error;
      await refresh(id);
      const now = knownRecord(id);
      if (now === null || draft === null) throw error;
      if (conflict(draft.before, now.record, Object.keys(values), description.fields).both.length > 0)
        throw error;
      await saveOver(values, now.version, allowDuplicates, false);
    }
  }

  const owner: Owner = { id, object: view.object, name: rowName(view.record) };
  const nameOf = (value: unknown) => {
    const target = typeof value === "string" ? view.references[value] : undefined;
    return target === undefined ? undefined : referenceName(target);
  };
  const heading = (label: string) =>
    label !== "" && label !== t("record.details") ? (
      <h3 className="console-section__title">{label}</h3>
    ) : null;
  const summary = writable.filter((field) => problems.fields[field.name] !== undefined);

  if (draft === null) {
    return (
      <section aria-labelledby={headingId} className="record-details">
        <h2 className="slds-assistive-text" id={headingId}>
          {t("record.details")}
        </h2>
        {readSections(description, view.fields, lang).map((section, index) => (
          <section key={index} className="console-section">
            {heading(section.label)}
            <dl className={gridOf(section)}>
              {section.items.map((item) => (
                <ReadItem key={item.field.name} item={item} view={view} owner={owner} onEdit={edit} />
              ))}
            </dl>
          </section>
        ))}
      </section>
    );
  }
  const current = draft;
  return (
    <form
      ref={form}
      noValidate
      className="record-details"
      aria-labelledby={headingId}
      onSubmit={(event) => void save(event)}
      onKeyDown={(event) => {
        if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          void save();
        } else if (event.key === "Escape" && !event.defaultPrevented && !isUnsaved(id)) stop();
      }}
    >
      <h2 className="slds-assistive-text" id={headingId}>
        {t("record.details")}
      </h2>
      {theirs.length > 0 && (
        <Meanwhile
          view={view}
          theirs={theirs}
          both={both}
          settled={current.agreed === view.version}
          onKeep={() => {
            setProblems(NO_PROBLEMS);
            setDraft({ ...current, agreed: view.version });
          }}
          onReload={() => {
            const rest = Object.fromEntries(
              Object.entries(current.values).filter(([name]) => !both.some((field) => field.name === name)),
            );
            setProblems(NO_PROBLEMS);
            setDraft({ values: rest, before: view.record, agreed: null });
          }}
        />
      )}
      {editable.map((section, index) => (
        <section key={index} className="console-section">
          {heading(section.label)}
          <div className={`${gridOf(section)} console-fields_edit`}>
            {section.items.map((item) => (
              <div key={item.field.name} className={placeOf(item, true)}>
                <ItemInput
                  item={item}
                  input={(field) => {
                    const value = Object.hasOwn(current.values, field.name)
                      ? current.values[field.name]
                      : view.record[field.name];
                    return {
                      object: view.object,
                      value,
                      referenceName: nameOf(value),
                      error: problems.fields[field.name],
                      onChange: (next) =>
                        setDraft((known) =>
                          known === null
                            ? null
                            : { ...known, values: { ...known.values, [field.name]: next } },
                        ),
                    };
                  }}
                />
              </div>
            ))}
          </div>
        </section>
      ))}
      <div className="console-form-footer record-footer">
        <div className="record-footer__messages">
          {[...problems.record].map((text) => (
            <Notice key={text} variant="error">
              {text}
            </Notice>
          ))}
          {summary.length > 0 && (
            <Notice variant="error">
              {t("form.review", { fields: summary.map((field) => field.label).join(t("form.comma")) })}
            </Notice>
          )}
          {found !== null && (
            <DuplicatesFound
              found={found}
              saving={saving}
              onSave={found.allowSave ? () => void save(undefined, true) : null}
            />
          )}
        </div>
        <Button onClick={stop} disabled={saving}>
          {t("form.cancel")}
        </Button>
        <Button variant="brand" type="submit" disabled={saving} aria-keyshortcuts="Control+s">
          {saving ? t("form.saving") : t("form.save")}
        </Button>
      </div>
    </form>
  );
}

const blank = (value: unknown): unknown => (value === "" ? null : value);

/** One item to be read, with its pencil. */
function ReadItem({
  item,
  view,
  owner,
  onEdit,
}: {
  item: Item;
  view: RecordView;
  owner: Owner;
  onEdit: (field: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const { field, parts } = item;
  const address = field.type === "address";
  const value = parts.length > 0 && !address ? rowName(view.record) : view.record[field.name];
  const target = typeof value === "string" ? view.references[value] : undefined;
  const first =
    parts.length > 0 ? parts.find((part) => part.updateable) : field.updateable ? field : undefined;
  return (
    <div
      className={`console-field slds-hint-parent ${placeOf(item, false) ?? ""}`}
      onDoubleClick={() => first !== undefined && onEdit(first.name)}
    >
      <dt className="slds-form-element__label">{field.label}</dt>
      <dd>
        <span className="console-field__value">
          <FieldValue
            type={parts.length > 0 && !address ? "string" : field.type}
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
        {view.can_edit && first !== undefined && (
          <IconButton
            icon="utility:edit"
            label={t("record.edit.field", { label: field.label })}
            className="console-field__edit"
            small
            onClick={() => onEdit(first.name)}
          />
        )}
      </dd>
    </div>
  );
}

/** Somebody saved this record while it is edited here: who, when, what; and what to do where both changed a field. */
function Meanwhile({
  view,
  theirs,
  both,
  settled,
  onKeep,
  onReload,
}: {
  view: RecordView;
  theirs: Field[];
  both: Field[];
  settled: boolean;
  onKeep: () => void;
  onReload: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const by = view.record["LastModifiedById"];
  const person = typeof by === "string" ? view.references[by] : undefined;
  const at = view.record["LastModifiedDate"];
  const list = (fields: Field[]) => fields.map((field) => field.label).join(t("form.comma"));
  const words = {
    name: by === session().user.id ? t("conflict.self") : person === undefined ? "" : referenceName(person),
    time: typeof at === "string" ? formatTime(at, region()) : "",
    fields: list(theirs),
  };
  return (
    <div className="slds-m-bottom_small">
      <Notice variant={both.length > 0 && !settled ? "warning" : "info"}>
        <p>{t("conflict.changed", words)}</p>
        {both.length > 0 && (
          <p className="slds-m-top_xx-small">
            {t(settled ? "conflict.settled" : "conflict.both", { fields: list(both) })}
          </p>
        )}
        {both.length > 0 && (
          <ul className="record-conflict">
            {both.map((field) => {
              const value = view.record[field.name];
              const target = typeof value === "string" ? view.references[value] : undefined;
              return (
                <li key={field.name}>
                  {t("conflict.theirs", { label: field.label })}{" "}
                  <strong>
                    {value === null || value === "" ? (
                      t("conflict.empty")
                    ) : (
                      <FieldValue
                        type={field.type}
                        value={target === undefined ? value : referenceName(target)}
                        picklist={field.picklistValues}
                      />
                    )}
                  </strong>
                </li>
              );
            })}
          </ul>
        )}
        {both.length > 0 && !settled && (
          <span className="console-actions slds-m-top_x-small">
            <Button onClick={onKeep}>{t("conflict.keep")}</Button>
            <Button onClick={onReload}>{t("conflict.reload")}</Button>
          </span>
        )}
      </Notice>
    </div>
  );
}
