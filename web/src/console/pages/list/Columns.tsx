/** Which fields a view shows, and in which order: two lists, as the design system has them. */
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton, Modal, Notice, Spinner } from "../../../ui/controls.tsx";
import { changeView, listFields } from "../../data/lists.ts";
import type { ListField, ListView } from "../../data/types.ts";
import { problemsOf } from "../../record/problems.ts";

/** Columns that a list can have. */
const MOST = 15;

export function Columns({
  object,
  view,
  onClose,
  onDone,
}: {
  object: string;
  view: ListView;
  onClose: () => void;
  onDone: (view: ListView) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [fields, setFields] = useState<ListField[] | null>(null);
  const [shown, setShown] = useState<string[]>(view.columns);
  const [marked, setMarked] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    listFields(object).then(setFields, (error: unknown) =>
      setProblem(problemsOf(error, null, t).record[0] ?? t("problem.unknown")),
    );
  }, [object, t]);

  const byName = new Map(fields?.map((field) => [field.api_name, field]));
  const labelOf = (name: string) => byName.get(name)?.label ?? name;
  const left = (fields ?? []).map((field) => field.api_name).filter((name) => !shown.includes(name));
  const at = marked === null ? -1 : shown.indexOf(marked);

  function move(step: -1 | 1) {
    const next = [...shown];
    const [moved] = next.splice(at, 1);
    if (moved === undefined) return;
    next.splice(at + step, 0, moved);
    setShown(next);
  }

  function save() {
    changeView(object, view.id, { columns: shown }).then(onDone, (error: unknown) =>
      setProblem(problemsOf(error, null, t).record[0] ?? t("problem.unknown")),
    );
  }

  return (
    <Modal
      title={t("view.columns.title")}
      closeLabel={t("form.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button variant="brand" onClick={save} disabled={shown.length === 0 || shown.length > MOST}>
            {t("form.save")}
          </Button>
        </>
      }
    >
      {problem !== null && <Notice variant="error">{problem}</Notice>}
      {fields === null && problem === null ? (
        <div className="console-form-loading">
          <Spinner label={t("app.loading")} />
        </div>
      ) : (
        <div className="slds-dueling-list console-dueling">
          <Names
            label={t("view.columns.left")}
            names={left}
            labelOf={labelOf}
            marked={marked}
            onMark={setMarked}
            onMove={(name) => shown.length < MOST && setShown([...shown, name])}
          />
          <div className="slds-dueling-list__column">
            <IconButton
              icon="utility:right"
              label={t("view.columns.add")}
              variant="container"
              disabled={marked === null || !left.includes(marked) || shown.length >= MOST}
              onClick={() => marked !== null && setShown([...shown, marked])}
            />
            <IconButton
              icon="utility:left"
              label={t("view.columns.remove")}
              variant="container"
              disabled={at < 0}
              onClick={() => setShown(shown.filter((name) => name !== marked))}
            />
          </div>
          <Names
            label={t("view.columns.shown")}
            names={shown}
            labelOf={labelOf}
            marked={marked}
            onMark={setMarked}
            onMove={(name) => setShown(shown.filter((each) => each !== name))}
          />
          <div className="slds-dueling-list__column">
            <IconButton
              icon="utility:up"
              label={t("view.columns.up")}
              variant="container"
              disabled={at < 1}
              onClick={() => move(-1)}
            />
            <IconButton
              icon="utility:down"
              label={t("view.columns.down")}
              variant="container"
              disabled={at < 0 || at === shown.length - 1}
              onClick={() => move(1)}
            />
          </div>
        </div>
      )}
      <p className="slds-text-color_weak slds-m-top_x-small" role="status">
        {t("view.columns.most", { count: shown.length, most: MOST })}
      </p>
    </Modal>
  );
}

function Names({
  label,
  names,
  labelOf,
  marked,
  onMark,
  onMove,
}: {
  label: string;
  names: string[];
  labelOf: (name: string) => string;
  marked: string | null;
  onMark: (name: string) => void;
  /** Enter, or a double click. */
  onMove: (name: string) => void;
}): ReactNode {
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const current = marked !== null && names.includes(marked) ? marked : names[0];
  function onKeyDown(event: KeyboardEvent) {
    const at = names.indexOf(current ?? "");
    const next =
      event.key === "ArrowDown" ? names[at + 1] : event.key === "ArrowUp" ? names[at - 1] : undefined;
    if (next !== undefined) {
      event.preventDefault();
      onMark(next);
      list.current?.querySelector<HTMLElement>(`[data-name="${next}"]`)?.focus();
    } else if ((event.key === "Enter" || event.key === " ") && current !== undefined) {
      event.preventDefault();
      if (event.key === "Enter") onMove(current);
      else onMark(current);
    }
  }
  return (
    <div className="slds-dueling-list__column console-dueling__column">
      <span className="slds-form-element__label" id={id}>
        {label}
      </span>
      <div className="slds-dueling-list__options">
        <ul
          ref={list}
          role="listbox"
          aria-labelledby={id}
          className="slds-listbox slds-listbox_vertical"
          onKeyDown={onKeyDown}
        >
          {names.map((name) => (
            <li key={name} role="presentation" className="slds-listbox__item">
              <div
                role="option"
                data-name={name}
                aria-selected={name === marked}
                tabIndex={name === current ? 0 : -1}
                className={`slds-listbox__option slds-listbox__option_plain slds-media slds-media_small slds-media_inline ${name === marked ? "slds-is-selected" : ""}`}
                onClick={() => onMark(name)}
                onFocus={() => onMark(name)}
                onDoubleClick={() => onMove(name)}
              >
                <span className="slds-media__body">
                  <span className="slds-truncate" title={labelOf(name)}>
                    {labelOf(name)}
                  </span>
                </span>
              </div>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
