/** What an engagement is about: the related record, and choosing another of the objects that the CRM allows. */
import { type ReactNode, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import type { Engagement, FoundRecord } from "../../protocol/callbar.ts";
import type { Callbar } from "../controller.ts";
import { isAsked, isOwner, type Model } from "../model.ts";

const SEARCH_PAUSE_MS = 300;

/** An object's word; one that has none yet shows its API name. */
export function useObjectName(): (type: string) => string {
  const { t, i18n } = useTranslation();
  return (type) => (i18n.exists(`object.${type}`) ? t(`object.${type}`) : type);
}

export const OBJECT_ICONS: Record<string, string> = {
  Contact: "utility:contact",
  Lead: "utility:lead",
  Account: "utility:account",
  Case: "utility:case",
  User: "utility:user",
};

type Found =
  | { kind: "nothing" }
  | { kind: "searching" }
  | { kind: "records"; records: FoundRecord[] }
  | { kind: "refused"; code: string };

interface RelateProps {
  callbar: Callbar;
  model: Model;
  engagement: Engagement;
}

export function Relate({ callbar, model, engagement }: RelateProps): ReactNode {
  const { t } = useTranslation();
  const objectName = useObjectName();
  const [choosing, setChoosing] = useState(false);
  const heading = useId();
  const objects = model.snapshot?.related_objects ?? [];
  const asked = isAsked(model, engagement.id, "engagement.relate");
  const { related } = engagement;
  const relatedId = related?.id;
  useEffect(() => setChoosing(false), [relatedId]);
  if (objects.length === 0 || !isOwner(model)) return null;
  return (
    <section className="cb-relate" aria-labelledby={heading}>
      <div className="cb-relate__head">
        <h3 id={heading} className="cb-records__head">
          {t("relate.title")}
        </h3>
        <Button
          variant="base"
          aria-expanded={choosing}
          disabled={asked}
          onClick={() => setChoosing(!choosing)}
        >
          {t(choosing ? "relate.cancel" : related ? "relate.change" : "relate.choose")}
        </Button>
      </div>
      {related ? (
        <button
          type="button"
          className="cb-record cb-relate__record"
          title={t("records.open", { object: objectName(related.object_type) })}
          onClick={() => callbar.openRecord(engagement.id, related)}
        >
          <Symbol name={OBJECT_ICONS[related.object_type] ?? "utility:record"} className="cb-record__icon" />
          <span className="cb-record__words">
            <span className="cb-record__name">{related.name}</span>
            <span className="cb-record__detail">{wordOf(model, related.object_type, objectName)}</span>
          </span>
        </button>
      ) : (
        !choosing && <p className="cb-records__note">{t("relate.none")}</p>
      )}
      {choosing && <Finder callbar={callbar} model={model} engagement={engagement} asked={asked} />}
    </section>
  );
}

/** Our word for an object, else the CRM's. */
function wordOf(model: Model, type: string, objectName: (type: string) => string): string {
  const word = objectName(type);
  if (word !== type) return word;
  return model.snapshot?.related_objects.find((each) => each.object_type === type)?.label ?? type;
}

function Finder({ callbar, model, engagement, asked }: RelateProps & { asked: boolean }): ReactNode {
  const { t, i18n } = useTranslation();
  const objectName = useObjectName();
  const objects = model.snapshot?.related_objects ?? [];
  const first = objects.find((each) => each.preferred) ?? objects[0];
  const [chosen, setChosen] = useState(first?.object_type ?? "");
  const [text, setText] = useState("");
  // An administrator may take the chosen object away meanwhile.
  const object = objects.some((each) => each.object_type === chosen) ? chosen : (first?.object_type ?? "");
  const wanted = text.trim();
  const found = useFound(callbar, object, wanted);
  const matched = engagement.match.records.filter((each) => each.object_type === object);
  const rows = wanted === "" ? matched : found.kind === "records" ? found.records : [];
  let note: string | null = null;
  if (wanted !== "" && found.kind === "searching") note = t("relate.searching");
  else if (wanted !== "" && found.kind === "records" && rows.length === 0) note = t("relate.not_found");
  else if (wanted !== "" && found.kind === "refused") {
    const key = `refused.${found.code}`;
    note = i18n.exists(key) ? t(key, { retry_after_s: 1 }) : t("refused.unknown", { code: found.code });
  }
  return (
    <div className="cb-relate__finder">
      {objects.length > 1 && (
        <FormElement label={t("relate.object")}>
          {({ id }) => (
            <div className="slds-select_container">
              <select
                id={id}
                className="slds-select"
                value={object}
                onChange={(event) => setChosen(event.target.value)}
              >
                {objects.map((each) => (
                  <option key={each.object_type} value={each.object_type}>
                    {wordOf(model, each.object_type, objectName)}
                  </option>
                ))}
              </select>
            </div>
          )}
        </FormElement>
      )}
      <FormElement label={t("relate.search", { object: wordOf(model, object, objectName) })}>
        {({ id }) => (
          <input
            id={id}
            className="slds-input"
            type="search"
            autoComplete="off"
            autoFocus
            maxLength={100}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </FormElement>
      {rows.length > 0 && (
        <ul className="cb-records__list">
          {rows.map((record) => (
            <li key={record.id}>
              <button
                type="button"
                className="cb-record"
                disabled={asked}
                onClick={() => callbar.relate(engagement.id, record)}
              >
                <Symbol name={OBJECT_ICONS[object] ?? "utility:record"} className="cb-record__icon" />
                <span className="cb-record__words">
                  <span className="cb-record__name">{record.name}</span>
                  <span className="cb-record__detail">
                    {[record.detail, record.owner && t("records.owner", { name: record.owner })]
                      .filter(Boolean)
                      .join(" · ")}
                  </span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <p className="cb-records__note" role="status">
        {note}
      </p>
    </div>
  );
}

/** What the CRM finds for what is typed, after a pause; late answers to earlier texts are dropped. */
function useFound(callbar: Callbar, object: string, text: string): Found {
  const [found, setFound] = useState<Found>({ kind: "nothing" });
  useEffect(() => {
    if (text === "" || object === "") {
      setFound({ kind: "nothing" });
      return undefined;
    }
    let here = true;
    setFound({ kind: "searching" });
    const timer = setTimeout(() => {
      void callbar.findRecords(object, text).then((answer) => {
        if (!here) return;
        setFound(
          typeof answer === "string"
            ? { kind: "refused", code: answer }
            : { kind: "records", records: answer },
        );
      });
    }, SEARCH_PAUSE_MS);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [callbar, object, text]);
  return found;
}
