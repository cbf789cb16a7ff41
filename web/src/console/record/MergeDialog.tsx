/** Merging: choose up to three records, then which one stays and whose value each field takes. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement, Modal, Notice, Spinner } from "../../ui/controls.tsx";
import { panel } from "../cti/panel.ts";
import { duplicatesOf, refresh, recordView, mergeRecords } from "../data/records.ts";
import { language } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Alike, Describe, Field, RecordView } from "../data/types.ts";
import { navigate } from "../router.ts";
import { toast } from "../shell/toasts.ts";
import { closeTab, setUnsaved } from "../shell/workspace.ts";
import { AlikeFacts } from "./DuplicatesFound.tsx";
import { DialButton, FieldValue } from "./FieldValue.tsx";
import { fieldsOf, readSections } from "./layout.ts";
import { Lookup } from "./Lookup.tsx";
import { changesOf, differing, proposed } from "./merging.ts";
import { referenceName, rowName } from "./names.ts";
import { problemsOf } from "./problems.ts";

const MOST_OTHERS = 2;

interface Chosen {
  id: string;
  view: RecordView;
}

export function MergeDialog({
  id,
  view,
  description,
  onClose,
}: {
  id: string;
  view: RecordView;
  description: Describe;
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [found, setFound] = useState<Alike[] | null>(null);
  const [marked, setMarked] = useState<string[]>([]);
  const [records, setRecords] = useState<Chosen[] | null>(null);
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [master, setMaster] = useState(id);
  const [choices, setChoices] = useState<Record<string, string>>({});

  useEffect(() => {
    let wanted = true;
    duplicatesOf(id, true).then(
      (answer) => {
        if (!wanted) return;
        const same = answer.filter((each) => each.object === view.object);
        setFound(same);
        setMarked(same.slice(0, MOST_OTHERS).map((each) => each.id));
      },
      () => {
        if (wanted) setFound([]);
      },
    );
    return () => {
      wanted = false;
    };
  }, [id, view.object]);

  async function compare() {
    setWorking(true);
    setProblem(null);
    try {
      const others = await Promise.all(
        marked.map(async (each) => ({ id: each, view: await recordView(each) })),
      );
      setRecords([{ id, view: await recordView(id) }, ...others]);
    } catch (error) {
      setProblem(problemsOf(error, null, t).record.join(" "));
    } finally {
      setWorking(false);
    }
  }

  const compared = records?.map((each) => ({ id: each.id, record: each.view.record })) ?? [];
  const fields = differing(compared, [
    ...new Set([...fieldsOf(readSections(description, view.fields, language())), ...description.fields]),
  ]);

  async function merge() {
    if (records === null) return;
    setWorking(true);
    setProblem(null);
    const losers = records.map((each) => each.id).filter((each) => each !== master);
    try {
      await mergeRecords(master, losers, changesOf(compared, master, fields, choices));
    } catch (error) {
      const { record, fields: wrong } = problemsOf(error, description, t);
      setProblem([...record, ...Object.values(wrong)].join(" "));
      setWorking(false);
      return;
    }
    setUnsaved(id, false);
    onClose();
    navigate({ page: "record", object: view.object, id: master });
    for (const each of losers) closeTab(each);
    await refresh(master);
    toast({ variant: "success", text: t("merge.done", { label: view.label, count: records.length }) });
  }

  const toggle = (each: string) =>
    setMarked((current) =>
      current.includes(each)
        ? current.filter((one) => one !== each)
        : current.length < MOST_OTHERS
          ? [...current, each]
          : current,
    );
  const search = description.fields.find((each) => each.name === "MasterRecordId");
  const title = t("merge.title", { label: description.labelPlural });

  return (
    <Modal
      title={title}
      closeLabel={t("form.close")}
      size="large"
      blocking={false}
      onClose={onClose}
      footer={
        records === null ? (
          <>
            <Button onClick={onClose}>{t("form.cancel")}</Button>
            <Button variant="brand" disabled={marked.length === 0 || working} onClick={() => void compare()}>
              {t("merge.next")}
            </Button>
          </>
        ) : (
          <>
            <Button onClick={() => setRecords(null)} disabled={working}>
              {t("merge.back")}
            </Button>
            <Button variant="brand" disabled={working} onClick={() => void merge()}>
              {t("action.merge")}
            </Button>
          </>
        )
      }
    >
      {problem !== null && (
        <div className="slds-m-bottom_small">
          <Notice variant="error">{problem}</Notice>
        </div>
      )}
      {records === null ? (
        <>
          <p className="slds-m-bottom_small">{t("merge.hint", { name: rowName(view.record) })}</p>
          {found === null ? (
            <div className="console-form-loading">
              <Spinner label={t("app.loading")} />
            </div>
          ) : found.length === 0 ? (
            <p className="slds-text-color_weak slds-m-bottom_small">{t("merge.none")}</p>
          ) : (
            <fieldset>
              <legend className="slds-form-element__label">{t("merge.found")}</legend>
              <ul className="record-alike">
                {found.map((each, index) => {
                  const on = marked.includes(each.id);
                  return (
                    <li key={each.id}>
                      <div className="slds-checkbox">
                        <input
                          type="checkbox"
                          id={`merge-${each.id}`}
                          data-autofocus={index === 0 || undefined}
                          checked={on}
                          disabled={!on && marked.length >= MOST_OTHERS}
                          onChange={() => toggle(each.id)}
                        />
                        <label className="slds-checkbox__label" htmlFor={`merge-${each.id}`}>
                          <span className="slds-checkbox_faux" />
                          <span className="slds-form-element__label">{rowName(each.record)}</span>
                        </label>
                        <AlikeFacts alike={each} />
                      </div>
                    </li>
                  );
                })}
              </ul>
            </fieldset>
          )}
          {search !== undefined && marked.length < MOST_OTHERS && (
            <FormElement label={t("merge.search", { label: description.labelPlural })}>
              {(control) => (
                <Lookup
                  key={marked.join()}
                  object={view.object}
                  field={{ ...search, label: description.label }}
                  value=""
                  name={undefined}
                  id={control.id}
                  invalid={false}
                  describedBy={control.describedBy}
                  onChange={() => undefined}
                  onChoose={(chosen) => {
                    if (chosen === null || chosen.id === id || marked.includes(chosen.id)) return;
                    setFound((current) =>
                      (current ?? []).some((each) => each.id === chosen.id)
                        ? current
                        : [...(current ?? []), alikeOf(chosen, description)],
                    );
                    setMarked((current) => [...current, chosen.id]);
                  }}
                />
              )}
            </FormElement>
          )}
        </>
      ) : (
        <Comparison
          records={records}
          fields={fields}
          master={master}
          choices={choices}
          onMaster={(next) => {
            setMaster(next);
            setChoices({});
          }}
          onChoose={(field, from) => setChoices((current) => ({ ...current, [field]: from }))}
          onAll={(from) => setChoices(Object.fromEntries(fields.map((field) => [field.name, from])))}
        />
      )}
    </Modal>
  );
}

function alikeOf(
  chosen: {
    id: string;
    object: string;
    name: string | null;
    FirstName?: string | null;
    LastName?: string | null;
  },
  description: Describe,
): Alike {
  return {
    id: chosen.id,
    object: chosen.object,
    label: description.label,
    record: { Id: chosen.id, Name: chosen.name, FirstName: chosen.FirstName, LastName: chosen.LastName },
    references: {},
    columns: [],
  };
}

/** The records side by side; where they differ, one of the values is chosen. */
function Comparison({
  records,
  fields,
  master,
  choices,
  onMaster,
  onChoose,
  onAll,
}: {
  records: Chosen[];
  fields: Field[];
  master: string;
  choices: Record<string, string>;
  onMaster: (id: string) => void;
  onChoose: (field: string, id: string) => void;
  onAll: (id: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const { clickToDial: dials } = useStore(panel);
  const compared = records.map((each) => ({ id: each.id, record: each.view.record }));
  return (
    <>
      <p className="slds-m-bottom_small">{t("merge.choose")}</p>
      <div className="record-merge">
        <table className="slds-table slds-table_bordered slds-table_fixed-layout record-merge__table">
          <thead>
            <tr className="slds-line-height_reset">
              <th scope="col">{t("merge.field")}</th>
              {records.map((each) => (
                <th scope="col" key={each.id}>
                  <div className="slds-truncate" title={rowName(each.view.record)}>
                    {rowName(each.view.record)}
                  </div>
                  <Button variant="base" onClick={() => onAll(each.id)}>
                    {t("merge.all")}
                    <span className="slds-assistive-text">{rowName(each.view.record)}</span>
                  </Button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">{t("merge.master")}</th>
              {records.map((each) => (
                <td key={each.id}>
                  <Radio
                    name="master"
                    id={`master-${each.id}`}
                    label={t("merge.use")}
                    about={rowName(each.view.record)}
                    on={each.id === master}
                    onChoose={() => onMaster(each.id)}
                  />
                </td>
              ))}
            </tr>
            {fields.map((field) => (
              <tr key={field.name}>
                <th scope="row">
                  <div className="slds-truncate" title={field.label}>
                    {field.label}
                  </div>
                </th>
                {records.map((each) => {
                  const value = each.view.record[field.name];
                  const target = typeof value === "string" ? each.view.references[value] : undefined;
                  const empty = value === null || value === undefined || value === "";
                  const shown = target === undefined ? value : referenceName(target);
                  return (
                    <td key={each.id}>
                      <Radio
                        name={`choice-${field.name}`}
                        id={`choice-${field.name}-${each.id}`}
                        label={
                          empty ? (
                            <span className="slds-text-color_weak">{t("conflict.empty")}</span>
                          ) : (
                            <FieldValue type={field.type} value={shown} picklist={field.picklistValues} />
                          )
                        }
                        on={(choices[field.name] ?? proposed(compared, master, field.name)) === each.id}
                        onChoose={() => onChoose(field.name, each.id)}
                      />
                      {/* Outside of the label, whose click chooses. */}
                      {dials && field.type === "phone" && typeof value === "string" && value !== "" && (
                        <DialButton
                          number={value}
                          owner={{ id: each.id, object: each.view.object, name: rowName(each.view.record) }}
                          bare
                        />
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="slds-text-color_weak slds-m-top_small">{t("merge.warning")}</p>
    </>
  );
}

function Radio({
  name,
  id,
  label,
  about,
  on,
  onChoose,
}: {
  name: string;
  id: string;
  label: ReactNode;
  about?: string;
  on: boolean;
  onChoose: () => void;
}): ReactNode {
  return (
    <span className="slds-radio">
      <input type="radio" name={name} id={id} checked={on} onChange={onChoose} />
      <label className="slds-radio__label" htmlFor={id}>
        <span className="slds-radio_faux" />
        <span className="slds-form-element__label">
          {label}
          {about !== undefined && <span className="slds-assistive-text">{about}</span>}
        </span>
      </label>
    </span>
  );
}
