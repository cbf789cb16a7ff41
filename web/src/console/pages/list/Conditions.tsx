/** The panel beside a list that says which records it shows: whose they are, conditions, and their logic. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement, IconButton, Notice, Skeleton } from "../../../ui/controls.tsx";
import { changeView, listFields } from "../../data/lists.ts";
import type { ListCondition, ListField, ListView } from "../../data/types.ts";
import { problemsOf } from "../../record/problems.ts";

/** Conditions that a view can have. */
const MOST = 10;

export function Conditions({
  object,
  view,
  onClose,
  onSaved,
}: {
  object: string;
  view: ListView;
  onClose: () => void;
  onSaved: (view: ListView) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [fields, setFields] = useState<ListField[] | null>(null);
  const [scope, setScope] = useState(view.scope);
  const [conditions, setConditions] = useState<ListCondition[]>(view.conditions);
  const [logic, setLogic] = useState(view.logic);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const may = view.may_change;

  useEffect(() => {
    listFields(object).then(setFields, (error: unknown) =>
      setProblem(problemsOf(error, null, t).record[0] ?? t("problem.unknown")),
    );
  }, [object, t]);

  const filterable = (fields ?? []).filter((field) => field.operators.length > 0);
  const owned = fields?.some((field) => field.api_name === "OwnerId") !== false;
  const changed =
    scope !== view.scope ||
    logic !== view.logic ||
    JSON.stringify(conditions) !== JSON.stringify(view.conditions);

  function put(index: number, next: ListCondition | null) {
    setConditions((current) =>
      current.flatMap((each, at) => (at === index ? (next === null ? [] : [next]) : [each])),
    );
    // Numbers in a logic are of conditions that are there no longer.
    if (next === null) setLogic("");
  }

  function save() {
    setBusy(true);
    changeView(object, view.id, { scope, conditions, logic }).then(onSaved, (error: unknown) => {
      setBusy(false);
      setProblem(problemsOf(error, null, t).record[0] ?? t("problem.unknown"));
    });
  }

  return (
    <aside
      className="slds-panel slds-panel_docked slds-panel_docked-right slds-is-open console-conditions"
      aria-label={t("list.filters")}
    >
      <div className="slds-panel__header">
        <h2 className="slds-panel__header-title slds-text-heading_small">{t("list.filters")}</h2>
        <IconButton
          icon="utility:close"
          label={t("form.close")}
          variant="container"
          small
          onClick={onClose}
        />
      </div>
      <div className="slds-panel__body">
        {!may && (
          <p className="slds-text-color_weak slds-m-bottom_small">
            {t(view.standard ? "list.filters.standard" : "list.filters.others")}
          </p>
        )}
        {problem !== null && <Notice variant="error">{problem}</Notice>}
        {owned && (
          <FormElement label={t("list.filters.scope")}>
            {({ id }) => (
              <div className="slds-select_container">
                <select
                  id={id}
                  className="slds-select"
                  disabled={!may}
                  value={scope}
                  onChange={(event) => setScope(event.target.value as ListView["scope"])}
                >
                  <option value="everything">{t("list.scope.everything")}</option>
                  <option value="mine">{t("list.scope.mine")}</option>
                </select>
              </div>
            )}
          </FormElement>
        )}
        <h3 className="slds-text-title slds-m-top_medium slds-m-bottom_x-small">
          {t("list.filters.matching")}
        </h3>
        {fields === null ? (
          <Skeleton width="80%" />
        ) : (
          <ol className="console-conditions__list">
            {conditions.map((condition, index) => (
              <li key={index}>
                <Condition
                  number={index + 1}
                  fields={filterable}
                  condition={condition}
                  disabled={!may}
                  onChange={(next) => put(index, next)}
                />
              </li>
            ))}
          </ol>
        )}
        {conditions.length === 0 && fields !== null && (
          <p className="slds-text-color_weak">{t("list.filters.none")}</p>
        )}
        {may && fields !== null && conditions.length < MOST && (
          <button
            type="button"
            className="slds-button slds-m-top_small"
            onClick={() => {
              const first = filterable[0];
              if (first === undefined) return;
              setConditions([
                ...conditions,
                { field: first.api_name, operator: first.operators[0] ?? "equals", values: [""] },
              ]);
              if (logic !== "") setLogic(`(${logic}) AND ${conditions.length + 1}`);
            }}
          >
            {t("list.filters.add")}
          </button>
        )}
        {conditions.length > 1 && (
          <div className="slds-m-top_medium">
            <FormElement label={t("list.filters.logic")} help={t("list.filters.logic.hint")}>
              {({ id, describedBy }) => (
                <input
                  id={id}
                  className="slds-input"
                  disabled={!may}
                  maxLength={200}
                  placeholder={conditions.map((_, index) => index + 1).join(" AND ")}
                  value={logic}
                  aria-describedby={describedBy}
                  onChange={(event) => setLogic(event.target.value)}
                />
              )}
            </FormElement>
          </div>
        )}
      </div>
      {may && (
        <div className="slds-panel__actions console-conditions__footer">
          <Button
            onClick={() => {
              setScope(view.scope);
              setConditions(view.conditions);
              setLogic(view.logic);
              setProblem(null);
            }}
            disabled={!changed || busy}
          >
            {t("form.cancel")}
          </Button>
          <Button variant="brand" onClick={save} disabled={!changed || busy}>
            {t("form.save")}
          </Button>
        </div>
      )}
    </aside>
  );
}

function Condition({
  number,
  fields,
  condition,
  disabled,
  onChange,
}: {
  number: number;
  fields: ListField[];
  condition: ListCondition;
  disabled: boolean;
  onChange: (next: ListCondition | null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const field = fields.find((each) => each.api_name === condition.field);
  const several = !["lessThan", "greaterThan", "lessOrEqual", "greaterOrEqual"].includes(condition.operator);
  const value = condition.values.join(", ");
  return (
    <fieldset className="slds-box slds-box_x-small console-condition" disabled={disabled}>
      <legend className="slds-assistive-text">{t("list.filters.number", { number })}</legend>
      <div className="console-condition__row">
        <span aria-hidden="true">{number}</span>
        <div className="slds-select_container">
          <select
            className="slds-select"
            aria-label={t("list.filters.field")}
            value={condition.field}
            onChange={(event) => {
              const next = fields.find((each) => each.api_name === event.target.value);
              onChange({
                field: event.target.value,
                operator: next?.operators[0] ?? "equals",
                values: [next?.type === "boolean" ? "true" : ""],
              });
            }}
          >
            {field === undefined && <option value={condition.field}>{condition.field}</option>}
            {fields.map((each) => (
              <option key={each.api_name} value={each.api_name}>
                {each.label}
              </option>
            ))}
          </select>
        </div>
        {!disabled && (
          <IconButton
            icon="utility:close"
            label={t("list.filters.remove", { number })}
            variant="container"
            small
            onClick={() => onChange(null)}
          />
        )}
      </div>
      <div className="slds-select_container">
        <select
          className="slds-select"
          aria-label={t("list.filters.operator")}
          value={condition.operator}
          onChange={(event) => onChange({ ...condition, operator: event.target.value })}
        >
          {(field?.operators ?? [condition.operator]).map((each) => (
            <option key={each} value={each}>
              {t(`operator.${each}`)}
            </option>
          ))}
        </select>
      </div>
      {field?.type === "boolean" ? (
        <div className="slds-select_container">
          <select
            className="slds-select"
            aria-label={t("list.filters.value")}
            value={condition.values[0] ?? "false"}
            onChange={(event) => onChange({ ...condition, values: [event.target.value] })}
          >
            <option value="true">{t("value.yes")}</option>
            <option value="false">{t("value.no")}</option>
          </select>
        </div>
      ) : field !== undefined &&
        field.picklist.length > 0 &&
        ["equals", "notEqual", "includes", "excludes"].includes(condition.operator) ? (
        <select
          className="slds-select console-condition__values"
          aria-label={t("list.filters.values")}
          multiple
          size={Math.min(field.picklist.length, 5)}
          value={condition.values}
          onChange={(event) =>
            onChange({ ...condition, values: [...event.target.selectedOptions].map((each) => each.value) })
          }
        >
          {field.picklist.map((each) => (
            <option key={each.value} value={each.value}>
              {each.label}
            </option>
          ))}
        </select>
      ) : (
        <input
          className="slds-input"
          aria-label={t(several ? "list.filters.values" : "list.filters.value")}
          placeholder={
            field?.type === "date" || field?.type === "datetime"
              ? t("list.filters.date")
              : several
                ? t("list.filters.several")
                : ""
          }
          maxLength={2_000}
          value={value}
          onChange={(event) => onChange({ ...condition, values: valuesOf(event.target.value, several) })}
        />
      )}
    </fieldset>
  );
}

/** `a, b` -> two values; a comma at the end is one that is still being typed. */
function valuesOf(text: string, several: boolean): string[] {
  return several ? text.split(/[,、]/).map((part) => part.replace(/^\s+/, "")) : [text];
}
