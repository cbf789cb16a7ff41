/** Writing an activity: a call that was made, a task to come, an appointment. Stands in the timeline's own card. */
import { useEffect, useId, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice, Spinner } from "../../ui/controls.tsx";
import { dayOf } from "../../ui/format.ts";
import { createRecord, refreshTimeline, useDescribe } from "../data/records.ts";
import { region, session } from "../data/session.ts";
import type { Describe, Field, Row } from "../data/types.ts";
import { setUnsaved } from "../shell/workspace.ts";
import { toast } from "../shell/toasts.ts";
import { FieldInput } from "./FieldInput.tsx";
import { focusField } from "./focus.ts";
import { check, hasProblems, NO_PROBLEMS, problemsOf, type Problems } from "./problems.ts";

export type Composed = "call" | "task" | "event";

const OBJECT: Record<Composed, "Task" | "Event"> = { call: "Task", task: "Task", event: "Event" };
const SHOWN: Record<Composed, string[]> = {
  call: ["Subject", "CallDisposition", "Description"],
  task: ["Subject", "ActivityDate", "Status", "Priority", "OwnerId", "Description"],
  event: ["Subject", "StartDateTime", "EndDateTime", "Location", "Description"],
};
const WIDE = new Set(["Subject", "Description"]);
const PEOPLE = new Set(["Contact", "Lead"]);
const HOUR_MS = 3_600_000;

/** What an activity about a record begins with. */
function start(kind: Composed, subject: string, id: string, object: string): Row {
  const about: Row = PEOPLE.has(object) ? { WhoId: id } : { WhatId: id };
  const now = Date.now();
  switch (kind) {
    case "call":
      return {
        ...about,
        Subject: subject,
        Status: "Completed",
        TaskSubtype: "Call",
        ActivityDate: dayOf(now, region()),
      };
    case "task":
      return { ...about, Status: "Not Started", Priority: "Normal", OwnerId: session().user.id };
    case "event": {
      const next = Math.ceil(now / HOUR_MS) * HOUR_MS;
      return {
        ...about,
        StartDateTime: new Date(next).toISOString(),
        EndDateTime: new Date(next + HOUR_MS).toISOString(),
      };
    }
  }
}

export function Composer({
  kind,
  id,
  object,
  onClose,
}: {
  kind: Composed;
  id: string;
  object: string;
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const { value: description } = useDescribe(OBJECT[kind]);
  if (description === null) {
    return (
      <div className="console-form-loading">
        <Spinner label={t("app.loading")} />
      </div>
    );
  }
  return <Form kind={kind} id={id} object={object} description={description} onClose={onClose} />;
}

function Form({
  kind,
  id,
  object,
  description,
  onClose,
}: {
  kind: Composed;
  id: string;
  object: string;
  description: Describe;
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [values, setValues] = useState<Row>(() => start(kind, t("timeline.call"), id, object));
  const [problems, setProblems] = useState<Problems>(NO_PROBLEMS);
  const [saving, setSaving] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const headingId = useId();
  const key = `${id} ${kind}`;
  const subject = typeof values["Subject"] === "string" ? values["Subject"] : "";
  const fields = SHOWN[kind]
    .map((name) => description.fields.find((field) => field.name === name))
    .filter((field): field is Field => field?.createable === true);

  useEffect(() => focusField(form.current, "Subject"), []);
  useEffect(() => () => setUnsaved(key, false), [key]);

  async function save(event?: FormEvent) {
    event?.preventDefault();
    if (saving) return;
    const found = check(values, fields, t);
    if (kind !== "event" && subject.trim() === "") {
      found.fields["Subject"] = t("problem.REQUIRED_FIELD_MISSING");
    }
    if (hasProblems(found)) return show(found);
    setSaving(true);
    try {
      const filled = Object.fromEntries(
        Object.entries(values).filter(([, value]) => value !== "" && value !== null),
      );
      await createRecord(OBJECT[kind], filled);
      setUnsaved(key, false);
      refreshTimeline(id);
      toast({
        variant: "success",
        text: t("new.created", { label: description.label, name: subject }),
      });
      onClose();
    } catch (error) {
      setSaving(false);
      show(problemsOf(error, description, t));
    }
  }

  function show(found: Problems) {
    setProblems(found);
    const first = fields.find((field) => found.fields[field.name] !== undefined);
    if (first !== undefined) window.setTimeout(() => focusField(form.current, first.name));
  }

  const hidden = Object.entries(problems.fields)
    .filter(([name]) => !fields.some((field) => field.name === name))
    .map(
      ([name, text]) => `${description.fields.find((each) => each.name === name)?.label ?? name}: ${text}`,
    );
  return (
    <form
      ref={form}
      noValidate
      className="record-composer"
      aria-labelledby={headingId}
      onSubmit={(event) => void save(event)}
      onKeyDown={(event) => {
        if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          void save();
        }
      }}
    >
      <h3 className="console-section__title" id={headingId}>
        {t(`activity.${kind}`)}
      </h3>
      {[...problems.record, ...hidden].map((text) => (
        <div key={text} className="slds-m-bottom_small">
          <Notice variant="error">{text}</Notice>
        </div>
      ))}
      <div className="console-fields console-fields_edit">
        {fields.map((field) => (
          <div key={field.name} className={WIDE.has(field.name) ? "console-field_wide" : undefined}>
            <FieldInput
              object={description.name}
              field={field}
              value={values[field.name]}
              referenceName={field.name === "OwnerId" ? ownName(values[field.name]) : undefined}
              error={problems.fields[field.name]}
              onChange={(next) => {
                setUnsaved(key, true);
                setValues((current) => ({ ...current, [field.name]: next }));
              }}
            />
          </div>
        ))}
      </div>
      <div className="record-composer__footer">
        <Button onClick={onClose} disabled={saving}>
          {t("form.cancel")}
        </Button>
        <Button variant="brand" type="submit" disabled={saving} aria-keyshortcuts="Control+s">
          {saving ? t("form.saving") : t("form.save")}
        </Button>
      </div>
    </form>
  );
}

const ownName = (value: unknown): string | undefined =>
  value === session().user.id ? session().user.name : undefined;
