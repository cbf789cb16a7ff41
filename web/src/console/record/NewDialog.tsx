/** The form for a new record, above whatever is open: record type, fields, duplicates. Saving opens the record's page. */
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Modal, Notice, Spinner } from "../../ui/controls.tsx";
import { createRecord, prefetch, useDescribe, useLayout, type NewLayout } from "../data/records.ts";
import { nameOrder, objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Describe, Field, Row } from "../data/types.ts";
import { navigate, recordPath, type Fields } from "../router.ts";
import { closeDialog, dialogs, isUnsaved, setUnsaved, type Dialog } from "../shell/workspace.ts";
import { toast } from "../shell/toasts.ts";
import { DuplicatesFound, duplicatesIn, type Found } from "./DuplicatesFound.tsx";
import { ItemInput } from "./FieldInput.tsx";
import { focusField } from "./focus.ts";
import { editSections, fieldsOf, gridOf, laidOut, newLayout, placeOf, type Item } from "./layout.ts";
import { rowName } from "./names.ts";
import { check, hasProblems, NO_PROBLEMS, problemsOf, type Problems } from "./problems.ts";
import "./record.css";

export default function NewDialog({ dialog }: { dialog: Dialog }): ReactNode {
  const { t } = useTranslation();
  const info = useStore(objects).get(dialog.object);
  const { value: description, error } = useDescribe(dialog.object);
  const [type, setType] = useState<string | null>(dialog.defaults["RecordTypeId"] ?? null);
  const { value: layout, error: unlaid } = useLayout(dialog.object, type);
  const label = description?.label ?? info?.label ?? dialog.object;
  const title = t("new.title", { label });
  const close = () => closeDialog(dialog.key);
  const failed = error ?? unlaid;

  if (info?.createable === false || (failed !== null && (description === null || layout === null))) {
    return (
      <Modal title={title} closeLabel={t("form.close")} onClose={close} size="small" blocking={false}>
        <EmptyState icon="utility:warning" title={t("new.impossible", { label })}>
          {t(failed?.passing === true ? "problem.network" : "new.impossible.hint")}
        </EmptyState>
      </Modal>
    );
  }
  if (description === null || layout === null) {
    return (
      <Modal title={title} closeLabel={t("form.close")} onClose={close} blocking={false}>
        <div className="console-form-loading">
          <Spinner label={t("app.loading")} />
        </div>
      </Modal>
    );
  }
  const types = layout.record_types;
  if (type === null && types.length > 1) {
    return (
      <TypeStep
        title={title}
        types={types}
        standard={layout.record_type ?? ""}
        onClose={close}
        onNext={setType}
      />
    );
  }
  const chosen = types.find((each) => each.id === layout.record_type);
  return (
    <Form
      dialog={dialog}
      description={laidOut(description, layout.fields, layout.picklists, chosen?.developer_name === PERSON)}
      layout={layout}
      title={types.length > 1 && chosen !== undefined ? `${title}: ${chosen.name}` : title}
      recordType={chosen !== undefined && chosen.developer_name !== PERSON ? chosen.id : null}
    />
  );
}

/** A person account is made by its person's fields; its record type is not the only one unless others were made. */
const PERSON = "PersonAccount";

/** Which kind of record it shall be, where the object has several. */
function TypeStep({
  title,
  types,
  standard,
  onClose,
  onNext,
}: {
  title: string;
  types: NewLayout["record_types"];
  standard: string;
  onClose: () => void;
  onNext: (id: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState(standard);
  return (
    <Modal
      title={title}
      closeLabel={t("form.close")}
      size="small"
      blocking={false}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button variant="brand" onClick={() => onNext(chosen)}>
            {t("merge.next")}
          </Button>
        </>
      }
    >
      <fieldset className="slds-form-element">
        <legend className="slds-form-element__legend slds-form-element__label">{t("new.type")}</legend>
        <div className="slds-form-element__control">
          {types.map((each) => (
            <span className="slds-radio" key={each.id}>
              <input
                type="radio"
                id={`type-${each.id}`}
                name="record-type"
                data-autofocus={each.id === standard || undefined}
                checked={each.id === chosen}
                onChange={() => setChosen(each.id)}
              />
              <label className="slds-radio__label" htmlFor={`type-${each.id}`}>
                <span className="slds-radio_faux" />
                <span className="slds-form-element__label">{each.name}</span>
              </label>
            </span>
          ))}
        </div>
      </fieldset>
    </Modal>
  );
}

function Form({
  dialog,
  description,
  layout,
  title,
  recordType,
}: {
  dialog: Dialog;
  description: Describe;
  layout: NewLayout;
  title: string;
  recordType: string | null;
}): ReactNode {
  const { t } = useTranslation();
  const [values, setValues] = useState<Row>(() => startValues(description, dialog.defaults));
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [found, setFound] = useState<Found | null>(null);
  const [saving, setSaving] = useState(false);
  const [asking, setAsking] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const formId = `new-${dialog.key}`;
  const sections = editSections(
    description,
    newLayout(description, layout.fields, Object.keys(dialog.defaults)),
    nameOrder(),
    "create",
  );
  const fields = fieldsOf(sections);

  useEffect(() => () => setUnsaved(dialog.key, false), [dialog.key]);

  function show(next: Problems) {
    setProblems(next);
    const first = fields.find((field) => next.fields[field.name] !== undefined);
    if (first !== undefined) window.setTimeout(() => focusField(form.current, first.name));
  }

  async function save(event?: FormEvent, { another = false, allowDuplicates = false } = {}) {
    event?.preventDefault();
    if (saving) return;
    const wrong = check(values, fields, t);
    if (hasProblems(wrong)) return show(wrong);
    const filled = Object.fromEntries(
      Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined),
    );
    if (recordType !== null && filled["RecordTypeId"] === undefined) filled["RecordTypeId"] = recordType;
    setSaving(true);
    setFound(null);
    try {
      const id = await createRecord(dialog.object, filled, { allowDuplicates });
      const name = rowName({ Name: "", ...filled }) || description.label;
      if (dialog.onMade !== undefined) {
        closeDialog(dialog.key);
        return dialog.onMade({ id, name });
      }
      const path = recordPath(dialog.object, id);
      const text = t("new.created", { label: description.label, name });
      setUnsaved(dialog.key, false);
      toast({ variant: "success", text, link: { label: name, path } });
      if (another) {
        setValues(startValues(description, dialog.defaults));
        setProblems(NO_PROBLEMS);
        setSaving(false);
        focusField(form.current, null);
        return;
      }
      prefetch(dialog.object, id);
      const top = dialogs.get().at(-1)?.key === dialog.key;
      dialogs.set((current) => current.filter((each) => each.key !== dialog.key));
      navigate(path, { replace: top });
    } catch (error) {
      setSaving(false);
      const alike = duplicatesIn(error);
      if (alike === null) return show(problemsOf(error, description, t));
      setProblems(NO_PROBLEMS);
      setFound(alike);
    }
  }

  /** Escape and the cross ask before they throw away what somebody typed. */
  function onClose() {
    if (isUnsaved(dialog.key)) setAsking(true);
    else closeDialog(dialog.key);
  }

  const hidden = Object.entries(problems.fields)
    .filter(([name]) => !fields.some((field) => field.name === name))
    .map(
      ([name, text]) => `${description.fields.find((each) => each.name === name)?.label ?? name}: ${text}`,
    );
  const wrong = fields.filter((field) => problems.fields[field.name] !== undefined);
  return (
    <Modal
      title={title}
      closeLabel={t("form.close")}
      blocking={false}
      onClose={onClose}
      footer={
        asking ? (
          <>
            <p className="console-form-summary" role="alert">
              {t("new.discard")}
            </p>
            <Button autoFocus onClick={() => setAsking(false)}>
              {t("new.discard.no")}
            </Button>
            <Button variant="destructive" onClick={() => closeDialog(dialog.key)}>
              {t("new.discard.yes")}
            </Button>
          </>
        ) : (
          <>
            {wrong.length > 0 && (
              <p className="console-form-summary" role="alert">
                {t("form.review", { fields: wrong.map((field) => field.label).join(t("form.comma")) })}
              </p>
            )}
            <Button onClick={() => closeDialog(dialog.key)} disabled={saving}>
              {t("form.cancel")}
            </Button>
            {dialog.onMade === undefined && (
              <Button onClick={() => void save(undefined, { another: true })} disabled={saving}>
                {t("new.another")}
              </Button>
            )}
            <Button
              variant="brand"
              type="submit"
              form={formId}
              disabled={saving}
              aria-keyshortcuts="Control+s"
            >
              {saving ? t("form.saving") : t("form.save")}
            </Button>
          </>
        )
      }
    >
      <form
        ref={form}
        id={formId}
        noValidate
        onSubmit={(event) => void save(event)}
        onKeyDown={(event) => {
          if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            void save();
          }
        }}
      >
        <p className="console-form-legend">
          <abbr className="slds-required" title={t("form.required")}>
            *
          </abbr>{" "}
          = {t("form.required.legend")}
        </p>
        {found !== null && (
          <div className="slds-m-bottom_small">
            <DuplicatesFound
              found={found}
              saving={saving}
              onSave={found.allowSave ? () => void save(undefined, { allowDuplicates: true }) : null}
            />
          </div>
        )}
        {[...problems.record, ...hidden].map((text) => (
          <div key={text} className="slds-m-bottom_small">
            <Notice variant="error">{text}</Notice>
          </div>
        ))}
        {sections.map((section, index) => (
          <section key={index} className="console-section">
            {section.label !== "" && section.label !== t("record.details") && (
              <h2 className="console-section__title">{section.label}</h2>
            )}
            <div className={`${gridOf(section)} console-fields_edit`}>
              {section.items.map((item, at) => (
                <div key={item.field.name} className={placeOf(item, true)}>
                  <ItemInput
                    item={item}
                    input={(field) => ({
                      object: description.name,
                      value: values[field.name],
                      error: problems.fields[field.name],
                      autoFocus: index === 0 && at === 0 && isFirst(item, field),
                      onChange: (next) => {
                        setUnsaved(dialog.key, true);
                        setValues((current) => ({ ...current, [field.name]: next }));
                        setProblems((current) => without(current, field.name));
                      },
                    })}
                  />
                </div>
              ))}
            </div>
          </section>
        ))}
      </form>
    </Modal>
  );
}

/** The first field one types into: of a name not the salutation. */
const isFirst = (item: Item, field: Field): boolean =>
  item.parts.length === 0 || item.parts.find((part) => part.type !== "picklist")?.name === field.name;

function without(problems: Problems, field: string): Problems {
  if (problems.fields[field] === undefined) return problems;
  const fields = { ...problems.fields };
  delete fields[field];
  return { ...problems, fields };
}

/** The org's own default values, then those that were asked for, in each field's type. */
function startValues(description: Describe, defaults: Fields): Row {
  const values: Row = {};
  for (const field of description.fields) {
    const standard = field.picklistValues.find((each) => each.active && each.defaultValue);
    if (field.createable && standard !== undefined) values[field.name] = standard.value;
    if (field.createable && field.type === "boolean" && field.defaultValue === true)
      values[field.name] = true;
    const given = Object.hasOwn(defaults, field.name) ? defaults[field.name] : undefined;
    if (given !== undefined && field.createable) values[field.name] = typed(field, given);
  }
  return values;
}

function typed(field: Field, given: string): unknown {
  if (field.type === "boolean") return given === "true" || given === "1";
  if (["int", "double", "currency", "percent"].includes(field.type))
    return given === "" ? null : Number(given);
  return given;
}
