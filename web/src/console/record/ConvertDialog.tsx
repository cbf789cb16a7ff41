/** Lead conversion: a new or an existing account and contact, an opportunity or none; then what the lead became. */
import { useEffect, useId, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement, Modal, Notice } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import {
  candidates,
  convertedStatuses,
  convertLead,
  refresh,
  rowOf,
  type Candidate,
  type Conversion,
  type Converted,
} from "../data/records.ts";
import { objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Describe, Field, RecordView } from "../data/types.ts";
import { recordPath } from "../router.ts";
import { RecordLink } from "../shell/Link.tsx";
import { DuplicatesFound, duplicatesIn, type Found } from "./DuplicatesFound.tsx";
import { FieldInput } from "./FieldInput.tsx";
import { FieldValue } from "./FieldValue.tsx";
import { Lookup } from "./Lookup.tsx";
import { candidateName, objectIcon, rowName } from "./names.ts";
import { problemsOf } from "./problems.ts";

const MOST_OFFERED = 3;

type Kind = "Account" | "Contact" | "Opportunity";
const FIELDS: Record<Kind, string> = {
  Account: "ConvertedAccountId",
  Contact: "ConvertedContactId",
  Opportunity: "ConvertedOpportunityId",
};

export function ConvertDialog({
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
  const lead = view.record;
  const company = typeof lead["Company"] === "string" ? lead["Company"] : "";
  const [account, setAccount] = useState<string | null>(null);
  const [contact, setContact] = useState<string | null>(null);
  const [opportunity, setOpportunity] = useState<string | null>(null);
  const [withOpportunity, setWithOpportunity] = useState(true);
  const [opportunityName, setOpportunityName] = useState(company === "" ? "" : `${company}-`);
  const [owner, setOwner] = useState(typeof lead["OwnerId"] === "string" ? lead["OwnerId"] : "");
  const [statuses, setStatuses] = useState<{ value: string; label: string }[]>([]);
  const [status, setStatus] = useState("");
  const [working, setWorking] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [found, setFound] = useState<Found | null>(null);
  const [done, setDone] = useState<Converted | null>(null);
  const ownerField = description.fields.find((each) => each.name === "OwnerId");
  const statusField = description.fields.find((each) => each.name === "Status");

  useEffect(() => {
    let wanted = true;
    convertedStatuses().then(
      (answer) => {
        if (!wanted) return;
        setStatuses(answer);
        setStatus((current) => current || (answer[0]?.value ?? ""));
      },
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, []);

  /** A contact stands below its account: who chooses it has chosen the account, too. */
  async function chooseContact(next: string | null) {
    setContact(next);
    if (next === null) return;
    const row = await rowOf(next).catch(() => null);
    const its = row?.["AccountId"];
    if (typeof its === "string") setAccount(its);
  }

  async function convert(allowDuplicates: boolean) {
    setWorking(true);
    setProblem(null);
    setFound(null);
    const asked: Conversion = {
      lead: id,
      status,
      account,
      contact,
      opportunity: withOpportunity ? opportunity : null,
      opportunity_name: withOpportunity && opportunity === null ? opportunityName.trim() || null : null,
      create_opportunity: withOpportunity,
      owner: owner.startsWith("005") ? owner : null,
      allow_duplicates: allowDuplicates,
    };
    try {
      setDone(await convertLead(asked));
      void refresh(id);
    } catch (error) {
      const alike = duplicatesIn(error);
      // The lead itself is not told as a duplicate of what it becomes: then there is nothing to warn of.
      if (alike?.allowSave && alike.records.length === 0 && !allowDuplicates) return void convert(true);
      if (alike !== null) setFound(alike);
      else {
        const { record, fields } = problemsOf(error, description, t);
        setProblem(
          [
            ...record,
            ...Object.entries(fields).map(([name, text]) => {
              const label = description.fields.find((each) => each.name === name)?.label;
              return label === undefined ? text : `${label}: ${text}`;
            }),
          ].join(" "),
        );
      }
    } finally {
      setWorking(false);
    }
  }

  if (done !== null) return <Done converted={done} onClose={onClose} />;

  const statusLabel = (value: string, label: string) =>
    statusField?.picklistValues.find((each) => each.value === value)?.label ?? label;
  return (
    <Modal
      title={t("convert.title")}
      closeLabel={t("form.close")}
      size="large"
      blocking={false}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose} disabled={working}>
            {t("form.cancel")}
          </Button>
          <Button variant="brand" disabled={working || status === ""} onClick={() => void convert(false)}>
            {working ? t("form.saving") : t("action.convert")}
          </Button>
        </>
      }
    >
      {problem !== null && (
        <div className="slds-m-bottom_small">
          <Notice variant="error">{problem}</Notice>
        </div>
      )}
      {found !== null && (
        <div className="slds-m-bottom_small">
          <DuplicatesFound
            found={found}
            saving={working}
            onSave={found.allowSave ? () => void convert(true) : null}
          />
        </div>
      )}
      <Target
        kind="Account"
        description={description}
        searched={company}
        fresh={company === "" ? rowName(lead) : company}
        value={account}
        onChange={(next) => {
          setAccount(next);
          if (next === null) {
            setContact(null);
            setOpportunity(null);
          }
        }}
      />
      <Target
        kind="Contact"
        description={description}
        searched={rowName(lead, "en")}
        fresh={rowName(lead)}
        value={contact}
        onChange={(next) => void chooseContact(next)}
      />
      <Target
        kind="Opportunity"
        description={description}
        searched={company}
        fresh={null}
        value={opportunity}
        disabled={!withOpportunity}
        onChange={(next) => {
          setOpportunity(next);
        }}
      >
        <FormElement label={t("convert.name")}>
          {(control) => (
            <input
              id={control.id}
              className="slds-input"
              maxLength={120}
              disabled={!withOpportunity || opportunity !== null}
              value={opportunityName}
              onChange={(event) => setOpportunityName(event.target.value)}
            />
          )}
        </FormElement>
        <div className="slds-checkbox slds-m-top_x-small">
          <input
            type="checkbox"
            id={`no-opportunity-${id}`}
            checked={!withOpportunity}
            onChange={(event) => setWithOpportunity(!event.target.checked)}
          />
          <label className="slds-checkbox__label" htmlFor={`no-opportunity-${id}`}>
            <span className="slds-checkbox_faux" />
            <span className="slds-form-element__label">{t("convert.none")}</span>
          </label>
        </div>
      </Target>
      <div className="console-fields console-fields_edit record-convert__end">
        {ownerField !== undefined && (
          <FieldInput
            object="Account"
            field={{ ...ownerField, referenceTo: ["User"], label: t("convert.owner") }}
            value={owner.startsWith("005") ? owner : ""}
            onChange={(next) => setOwner(typeof next === "string" ? next : "")}
          />
        )}
        <FormElement label={t("convert.status")} required requiredLabel={t("form.required")}>
          {(control) => (
            <div className="slds-select_container">
              <select
                id={control.id}
                className="slds-select"
                value={status}
                onChange={(event) => setStatus(event.target.value)}
              >
                {statuses.map((each) => (
                  <option key={each.value} value={each.value}>
                    {statusLabel(each.value, each.label)}
                  </option>
                ))}
              </select>
            </div>
          )}
        </FormElement>
      </div>
    </Modal>
  );
}

/** One of the three records: made anew, or chosen among those that there are. */
function Target({
  kind,
  description,
  searched,
  fresh,
  value,
  disabled = false,
  onChange,
  children,
}: {
  kind: Kind;
  description: Describe;
  /** What existing ones are looked for by. */
  searched: string;
  /** Name of the record that would be made. */
  fresh: string | null;
  value: string | null;
  disabled?: boolean;
  onChange: (value: string | null) => void;
  children?: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  const info = useStore(objects).get(kind);
  const [existing, setExisting] = useState(false);
  const [offered, setOffered] = useState<Candidate[]>([]);
  const id = useId();
  const field: Field | undefined = description.fields.find((each) => each.name === FIELDS[kind]);
  const choosing = existing || value !== null;

  useEffect(() => {
    if (searched.trim().length < 2 || field === undefined) return;
    const controller = new AbortController();
    candidates("Lead", FIELDS[kind], searched, "", controller.signal).then(
      (answer) => setOffered(answer.slice(0, MOST_OFFERED)),
      () => undefined,
    );
    return () => controller.abort();
  }, [kind, searched, field]);

  const icon = objectIcon(kind);
  const label = info?.label ?? kind;
  return (
    <fieldset className="record-convert" disabled={disabled}>
      <legend className="record-convert__title">
        <Icon name={icon.name} size="small" className={`${icon.className} slds-m-right_x-small`} />
        {label}
      </legend>
      <div className="record-convert__sides">
        <div>
          <Choice
            name={id}
            id={`${id}-new`}
            label={t("convert.new")}
            on={!choosing}
            onChoose={() => {
              setExisting(false);
              onChange(null);
            }}
          />
          {fresh !== null && <p className="slds-m-left_large record-convert__name">{fresh}</p>}
          {children !== undefined && <div className="slds-m-left_large">{children}</div>}
        </div>
        <div>
          <Choice
            name={id}
            id={`${id}-existing`}
            label={t("convert.existing")}
            on={choosing}
            onChoose={() => setExisting(true)}
          />
          <div className="slds-m-left_large">
            {choosing && field !== undefined ? (
              <FormElement label={t("convert.search", { label })}>
                {(control) => (
                  <Lookup
                    object="Lead"
                    field={{ ...field, label }}
                    value={value ?? ""}
                    name={offeredName(offered, value)}
                    id={control.id}
                    invalid={false}
                    describedBy={control.describedBy}
                    onChange={(next) => onChange(next === "" ? null : next)}
                  />
                )}
              </FormElement>
            ) : (
              <p className="slds-text-color_weak">
                {t(offered.length === 0 ? "convert.matches.none" : "convert.matches", {
                  count: offered.length,
                })}
              </p>
            )}
            {value === null && offered.length > 0 && (
              <ul className="record-alike">
                {offered.map((each) => (
                  <li key={each.id}>
                    <Button variant="base" onClick={() => onChange(each.id)}>
                      {candidateName(each)}
                      <span className="slds-assistive-text">{t("convert.existing")}</span>
                    </Button>{" "}
                    <span className="slds-text-color_weak">
                      <FieldValue
                        type={each.about_type ?? "string"}
                        value={each.about}
                        owner={{ id: each.id, object: each.object, name: candidateName(each) }}
                      />
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </div>
        </div>
      </div>
    </fieldset>
  );
}

function offeredName(offered: Candidate[], id: string | null): string | undefined {
  const found = offered.find((each) => each.id === id);
  return found === undefined ? undefined : candidateName(found);
}

function Choice({
  name,
  id,
  label,
  on,
  onChoose,
}: {
  name: string;
  id: string;
  label: string;
  on: boolean;
  onChoose: () => void;
}): ReactNode {
  return (
    <span className="slds-radio">
      <input type="radio" name={name} id={id} checked={on} onChange={onChoose} />
      <label className="slds-radio__label" htmlFor={id}>
        <span className="slds-radio_faux" />
        <span className="slds-form-element__label">{label}</span>
      </label>
    </span>
  );
}

/** What the lead became, each a way to its page. */
function Done({ converted, onClose }: { converted: Converted; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const known = useStore(objects);
  const [names, setNames] = useState<Record<string, string>>({});
  const made = (["account", "contact", "opportunity"] as const).flatMap((key) => {
    const id = converted[key];
    const object = { account: "Account", contact: "Contact", opportunity: "Opportunity" }[key];
    return id === null ? [] : [{ id, object }];
  });
  const ids = made.map((each) => each.id).join(" ");
  useEffect(() => {
    for (const id of ids.split(" ")) {
      rowOf(id).then(
        (row) => setNames((current) => ({ ...current, [id]: rowName(row) })),
        () => undefined,
      );
    }
  }, [ids]);
  return (
    <Modal
      title={t("convert.done")}
      closeLabel={t("form.close")}
      blocking={false}
      onClose={onClose}
      footer={
        <Button variant="brand" data-autofocus onClick={onClose}>
          {t("form.close")}
        </Button>
      }
    >
      <ul className="record-converted">
        {made.map(({ id, object }) => {
          const icon = objectIcon(object);
          return (
            <li key={id} className="slds-box">
              <Icon name={icon.name} size="small" className={icon.className} />
              <span className="slds-text-color_weak">{known.get(object)?.label ?? object}</span>
              <RecordLink to={recordPath(object, id)} onClick={onClose}>
                {names[id] ?? id}
              </RecordLink>
            </li>
          );
        })}
      </ul>
    </Modal>
  );
}
