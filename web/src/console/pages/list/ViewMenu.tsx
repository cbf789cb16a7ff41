/** What can be done with a list's view: new, clone, rename, who sees it, its columns, delete. */
import { useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement, Menu, Modal, Notice } from "../../../ui/controls.tsx";
import { Symbol } from "../../../ui/Icon.tsx";
import { changeView, createView, deleteView, type ViewChange } from "../../data/lists.ts";
import type { ListView } from "../../data/types.ts";
import { problemsOf } from "../../record/problems.ts";
import { toast } from "../../shell/toasts.ts";
import { Columns } from "./Columns.tsx";

export type ViewTask = "new" | "clone" | "rename" | "share" | "columns" | "delete";

export function ViewMenu({
  view,
  mayShare,
  onTask,
}: {
  view: ListView | null;
  mayShare: boolean;
  onTask: (task: ViewTask) => void;
}): ReactNode {
  const { t } = useTranslation();
  const own = view?.may_change === true;
  const item = (task: ViewTask, icon: string) => ({
    key: task,
    label: t(`view.${task}`),
    icon: `utility:${icon}`,
    onSelect: () => onTask(task),
  });
  return (
    <Menu
      label={t("view.menu")}
      align="right"
      triggerClassName="slds-button slds-button_icon slds-button_icon-more"
      trigger={
        <>
          <Symbol name="utility:settings" className="slds-button__icon" />
          <Symbol name="utility:down" className="slds-button__icon slds-button__icon_x-small" />
        </>
      }
      items={[
        item("new", "add"),
        ...(view === null ? [] : [item("clone", "copy")]),
        ...(own
          ? [
              item("columns", "columns"),
              item("rename", "edit"),
              ...(mayShare ? [item("share", "groups")] : []),
              item("delete", "delete"),
            ]
          : []),
      ]}
    />
  );
}

export function ViewDialogs({
  object,
  task,
  view,
  mayShare,
  onClose,
  onDone,
}: {
  object: string;
  task: ViewTask;
  view: ListView | null;
  mayShare: boolean;
  onClose: () => void;
  /** The view as it is now; null when it is gone. */
  onDone: (view: ListView | null) => void;
}): ReactNode {
  if (task === "columns" && view !== null)
    return <Columns object={object} view={view} onClose={onClose} onDone={onDone} />;
  if (task === "delete" && view !== null)
    return <Delete object={object} view={view} onClose={onClose} onDone={onDone} />;
  return (
    <Naming object={object} task={task} view={view} mayShare={mayShare} onClose={onClose} onDone={onDone} />
  );
}

const MOST = 40;

/** Label, and who sees the view. */
function Naming({
  object,
  task,
  view,
  mayShare,
  onClose,
  onDone,
}: {
  object: string;
  task: ViewTask;
  view: ListView | null;
  mayShare: boolean;
  onClose: () => void;
  onDone: (view: ListView) => void;
}): ReactNode {
  const { t } = useTranslation();
  const renaming = task === "rename";
  const sharing = task === "share";
  const [label, setLabel] = useState(
    task === "clone" && view !== null
      ? t("view.copyOf", { label: view.label }).slice(0, MOST)
      : renaming || sharing
        ? (view?.label ?? "")
        : "",
  );
  const [isPublic, setPublic] = useState(sharing && view !== null ? view.public : false);
  const [problem, setProblem] = useState<string | null>(null);
  const [missing, setMissing] = useState(false);
  const [busy, setBusy] = useState(false);

  async function save(event: FormEvent) {
    event.preventDefault();
    if (label.trim() === "") return setMissing(true);
    setBusy(true);
    const body: ViewChange = {
      ...(sharing ? {} : { label: label.trim() }),
      ...(task === "clone" && view !== null ? { clone: view.id } : {}),
      ...(mayShare && !renaming ? { public: isPublic } : {}),
    };
    try {
      const saved =
        (renaming || sharing) && view !== null
          ? await changeView(object, view.id, body)
          : await createView(object, body);
      toast({ variant: "success", text: t("view.saved", { label: saved.label }) });
      onDone(saved);
    } catch (error) {
      setProblem(problemsOf(error, null, t).record[0] ?? t("problem.unknown"));
      setBusy(false);
    }
  }

  return (
    <Modal
      title={t(`view.${task}.title`)}
      closeLabel={t("form.close")}
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button variant="brand" type="submit" form="view-name" disabled={busy}>
            {t("form.save")}
          </Button>
        </>
      }
    >
      <form id="view-name" onSubmit={(event) => void save(event)}>
        {problem !== null && <Notice variant="error">{problem}</Notice>}
        {!sharing && (
          <FormElement
            label={t("view.label")}
            required
            requiredLabel={t("form.required")}
            error={missing && label.trim() === "" ? t("problem.REQUIRED_FIELD_MISSING") : undefined}
          >
            {({ id, describedBy, invalid }) => (
              <input
                id={id}
                className="slds-input"
                data-autofocus
                maxLength={MOST}
                value={label}
                aria-invalid={invalid || undefined}
                aria-describedby={describedBy}
                onChange={(event) => setLabel(event.target.value)}
              />
            )}
          </FormElement>
        )}
        {mayShare && !renaming && (
          <fieldset className="slds-form-element slds-m-top_medium">
            <legend className="slds-form-element__legend slds-form-element__label">{t("view.who")}</legend>
            <div className="slds-form-element__control">
              {([false, true] as const).map((each) => (
                <label key={String(each)} className="slds-radio">
                  <input
                    type="radio"
                    name="who"
                    checked={isPublic === each}
                    onChange={() => setPublic(each)}
                  />
                  <span className="slds-radio_faux" />
                  <span className="slds-form-element__label">{t(each ? "view.who.all" : "view.who.me")}</span>
                </label>
              ))}
            </div>
          </fieldset>
        )}
      </form>
    </Modal>
  );
}

function Delete({
  object,
  view,
  onClose,
  onDone,
}: {
  object: string;
  view: ListView;
  onClose: () => void;
  onDone: (view: null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [problem, setProblem] = useState<string | null>(null);
  function remove() {
    deleteView(object, view.id).then(
      () => {
        toast({ variant: "success", text: t("view.deleted", { label: view.label }) });
        onDone(null);
      },
      (error: unknown) => setProblem(problemsOf(error, null, t).record[0] ?? t("problem.unknown")),
    );
  }
  return (
    <Modal
      title={t("view.delete.title")}
      closeLabel={t("form.close")}
      onClose={onClose}
      size="small"
      footer={
        <>
          <Button onClick={onClose} data-autofocus>
            {t("form.cancel")}
          </Button>
          <Button variant="destructive" onClick={remove}>
            {t("view.delete")}
          </Button>
        </>
      }
    >
      {problem !== null && <Notice variant="error">{problem}</Notice>}
      <p>{t(view.public ? "view.delete.shared" : "view.delete.sure", { label: view.label })}</p>
    </Modal>
  );
}
