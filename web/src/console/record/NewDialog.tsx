/** The form for a new record, above whatever is open. Saving opens the record's page. */
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Modal, Notice, Spinner } from "../../ui/controls.tsx";
import { createRecord, prefetch, useDescribe } from "../data/records.ts";
import { nameOrder, objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Describe, Field, Row } from "../data/types.ts";
import { navigate, type Fields } from "../router.ts";
import { closeDialog, dialogs, isUnsaved, setUnsaved, type Dialog } from "../shell/workspace.ts";
import { toast } from "../shell/toasts.ts";
import { recordPath } from "../router.ts";
import { FieldInput } from "./FieldInput.tsx";
import { editSections, newLayout } from "./layout.ts";
import { rowName } from "./names.ts";
import { check, hasProblems, NO_PROBLEMS, problemsOf, type Problems } from "./problems.ts";

export default function NewDialog({ dialog }: { dialog: Dialog }): ReactNode {
  const { t } = useTranslation();
  const info = useStore(objects).get(dialog.object);
  const { value: description, error } = useDescribe(dialog.object);
  const label = description?.label ?? info?.label ?? dialog.object;
  const title = t("new.title", { label });
  const close = () => closeDialog(dialog.key);

  if (error !== null && description === null) {
    return (
      <Modal title={title} closeLabel={t("form.close")} onClose={close} size="small" blocking={false}>
        <EmptyState icon="utility:warning" title={t("new.impossible", { label })}>
          {t(error.passing ? "problem.network" : "new.impossible.hint")}
        </EmptyState>
      </Modal>
    );
  }
  if (description === null) {
    return (
      <Modal title={title} closeLabel={t("form.close")} onClose={close} blocking={false}>
        <div className="console-form-loading">
          <Spinner label={t("app.loading")} />
        </div>
      </Modal>
    );
  }
  return <Form dialog={dialog} description={description} title={title} />;
}

function Form({
  dialog,
  description,
  title,
}: {
  dialog: Dialog;
  description: Describe;
  title: string;
}): ReactNode {
  const { t } = useTranslation();
  const [values, setValues] = useState<Row>(() => startValues(description, dialog.defaults));
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [saving, setSaving] = useState(false);
  const [asking, setAsking] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const formId = `new-${dialog.key}`;
  const sections = editSections(
    description,
    newLayout(description, Object.keys(dialog.defaults)),
    nameOrder(),
    "create",
  );
  const fields = sections.flatMap((section) => section.fields);

  useEffect(() => () => setUnsaved(dialog.key, false), [dialog.key]);

  function show(found: Problems) {
    setProblems(found);
    const first = fields.find((field) => found.fields[field.name] !== undefined);
    if (first !== undefined) {
      window.setTimeout(() =>
        form.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(first.name)}"]`)?.focus(),
      );
    }
  }

  async function save(event?: FormEvent) {
    event?.preventDefault();
    if (saving) return;
    const found = check(values, fields, t);
    if (hasProblems(found)) return show(found);
    const filled = Object.fromEntries(
      Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined),
    );
    setSaving(true);
    try {
      const id = await createRecord(dialog.object, filled);
      prefetch(dialog.object, id);
      const top = dialogs.get().at(-1)?.key === dialog.key;
      setUnsaved(dialog.key, false);
      dialogs.set((current) => current.filter((each) => each.key !== dialog.key));
      const path = recordPath(dialog.object, id);
      navigate(path, { replace: top });
      toast({
        variant: "success",
        text: t("new.created", { label: description.label, name: rowName({ Name: "", ...filled }) }),
        link: { label: rowName({ Name: "", ...filled }), path },
      });
    } catch (error) {
      setSaving(false);
      show(problemsOf(error, description, t));
    }
  }

  /** Escape and the cross ask before they throw away what somebody typed. */
  function onClose() {
    if (isUnsaved(dialog.key)) setAsking(true);
    else closeDialog(dialog.key);
  }

  const hidden = Object.entries(problems.fields).filter(
    ([name]) => !fields.some((field) => field.name === name),
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
        {[...problems.record, ...hidden.map(([name, text]) => `${name}: ${text}`)].map((text) => (
          <div key={text} className="slds-m-bottom_small">
            <Notice variant="error">{text}</Notice>
          </div>
        ))}
        {sections.map((section, index) => (
          <div key={index} className="console-fields console-fields_edit">
            {section.fields.map((field, at) => (
              <div key={field.name} className={field.type === "textarea" ? "console-field_wide" : undefined}>
                <FieldInput
                  field={field}
                  value={values[field.name]}
                  error={problems.fields[field.name]}
                  autoFocus={index === 0 && at === 0}
                  onChange={(next) => {
                    setUnsaved(dialog.key, true);
                    setValues((current) => ({ ...current, [field.name]: next }));
                    setProblems((current) => without(current, field.name));
                  }}
                />
              </div>
            ))}
          </div>
        ))}
      </form>
    </Modal>
  );
}

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
