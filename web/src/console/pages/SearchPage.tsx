/** Results of a search, by object, with what matched. */
import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Skeleton } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { searchRecords } from "../data/lists.ts";
import { useDescribe } from "../data/records.ts";
import { objectOfId, objects } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import type { Describe, Row, SearchGroup } from "../data/types.ts";
import { navigate, pathOf, recordIdOf, recordPath } from "../router.ts";
import { FieldValue } from "../record/FieldValue.tsx";
import { objectIcon, rowName } from "../record/names.ts";
import { Link, RecordLink } from "../shell/Link.tsx";
import { openNew } from "../shell/workspace.ts";
import { onRefresh } from "../shell/refresh.ts";

/** Fewer characters find too much to be of use, and the org refuses one. */
const LEAST = 2;

/** Results shown of each object beside the others, and at once of one object alone. */
const TOP = 5;
const PAGE = 50;

export default function SearchPage({ text, object }: { text: string; object: string }): ReactNode {
  const { t } = useTranslation();
  const [groups, setGroups] = useState<SearchGroup[] | null>(null);
  const [failed, setFailed] = useState(false);
  const [turn, setTurn] = useState(0);
  const known = useStore(objects);
  const wanted = text.trim();
  const short = [...wanted].length < LEAST;

  useEffect(() => onRefresh(() => setTurn((current) => current + 1)), []);
  useEffect(() => {
    if (short) return;
    const controller = new AbortController();
    searchRecords(wanted, [], controller.signal).then(
      (found) => {
        setGroups(found.filter((group) => group.records.length > 0));
        setFailed(false);
      },
      () => {
        if (!controller.signal.aborted) setFailed(true);
      },
    );
    return () => controller.abort();
  }, [wanted, short, turn]);

  const count = groups?.reduce((sum, group) => sum + group.records.length, 0) ?? 0;
  const only = groups?.find((group) => group.object === object);
  const go = (to: string) => navigate({ page: "search", text, ...(to === "" ? {} : { object: to }) });
  return (
    <div className="console-search-page">
      <header className="slds-page-header console-highlights">
        <div className="slds-media slds-media_center">
          <div className="slds-media__figure">
            <Icon name="standard:search" size="page-header" className="slds-icon-standard-search" />
          </div>
          <div className="slds-media__body">
            <h1>
              <span>{t("search.results")}</span>
              <span className="slds-page-header__title slds-truncate">
                {wanted === "" ? t("search.empty") : t("search.for", { text: wanted })}
              </span>
            </h1>
            <p className="slds-page-header__meta-text" role="status">
              {short
                ? ""
                : groups === null
                  ? t("search.searching")
                  : t(groups.some((group) => group.has_more) ? "search.count.more" : "search.count", {
                      count,
                    })}
            </p>
          </div>
        </div>
      </header>
      {short ? (
        <div className="slds-card console-card">
          <EmptyState icon="utility:search" title={t("search.short")}>
            {t("search.short.hint")}
          </EmptyState>
        </div>
      ) : failed ? (
        <div className="slds-card console-card">
          <EmptyState
            icon="utility:warning"
            title={t("search.failed")}
            action={<Button onClick={() => setTurn((current) => current + 1)}>{t("common.retry")}</Button>}
          >
            {t("problem.network")}
          </EmptyState>
        </div>
      ) : groups === null ? (
        <div className="slds-card console-card slds-p-around_medium console-timeline-skeleton">
          <Skeleton width="30%" />
          <Skeleton width="80%" />
          <Skeleton width="70%" />
        </div>
      ) : groups.length === 0 ? (
        <div className="slds-card console-card">
          <EmptyState
            icon="utility:search"
            title={t("search.nothing", { text: wanted })}
            action={
              known.get("Contact")?.createable !== false && (
                <Button
                  variant="brand"
                  onClick={() => openNew("Contact", phoneLike(wanted) ? { Phone: wanted } : {})}
                >
                  {t("search.create")}
                </Button>
              )
            }
          >
            {t("search.nothing.hint")}
          </EmptyState>
        </div>
      ) : (
        <div className="console-search-page__columns">
          <nav className="slds-card console-card slds-nav-vertical" aria-label={t("search.objects")}>
            <div className="slds-nav-vertical__section">
              <ul>
                {[{ object: "", label: t("search.top"), more: "" }, ...groups.map(summaryOf)].map((each) => (
                  <li
                    key={each.object}
                    className={`slds-nav-vertical__item ${each.object === (only?.object ?? "") ? "slds-is-active" : ""}`}
                  >
                    <Link
                      to={pathOf({
                        page: "search",
                        text,
                        ...(each.object === "" ? {} : { object: each.object }),
                      })}
                      className="slds-nav-vertical__action"
                      aria-current={each.object === (only?.object ?? "") ? "true" : undefined}
                    >
                      <span className="slds-truncate">{each.label}</span>
                      <span className="slds-col_bump-left slds-text-color_weak">{each.more}</span>
                    </Link>
                  </li>
                ))}
              </ul>
            </div>
          </nav>
          <div className="console-search-page__groups">
            {only === undefined ? (
              groups.map((group) => (
                <Group
                  key={group.object}
                  group={group}
                  rows={group.records.slice(0, TOP)}
                  text={wanted}
                  more={
                    group.records.length > TOP || group.has_more
                      ? {
                          label: t("search.more", { label: labelOfGroup(group) }),
                          go: () => go(group.object),
                        }
                      : null
                  }
                />
              ))
            ) : (
              <OneObject key={`${only.object} ${turn}`} first={only} text={wanted} />
            )}
          </div>
        </div>
      )}
    </div>
  );

  function labelOfGroup(group: SearchGroup): string {
    return known.get(group.object)?.labelPlural ?? group.label_plural;
  }

  function summaryOf(group: SearchGroup) {
    return {
      object: group.object,
      label: labelOfGroup(group),
      more: t(group.has_more ? "search.group.more" : "search.group", { count: group.records.length }),
    };
  }
}

/** Everything that is found of one object, continued on demand. */
function OneObject({ first, text }: { first: SearchGroup; text: string }): ReactNode {
  const { t } = useTranslation();
  const [group, setGroup] = useState(first);
  const [busy, setBusy] = useState(false);

  function more() {
    setBusy(true);
    searchRecords(text, [group.object], undefined, { limit: PAGE, offset: group.records.length }).then(
      ([next]) => {
        setBusy(false);
        setGroup((current) => ({
          ...current,
          records: [...current.records, ...(next?.records ?? [])],
          has_more: next?.has_more ?? false,
        }));
      },
      () => setBusy(false),
    );
  }

  return (
    <Group
      group={group}
      rows={group.records}
      text={text}
      more={group.has_more ? { label: t(busy ? "app.loading" : "search.next"), go: more } : null}
    />
  );
}

const phoneLike = (text: string): boolean => /^[+\d\s().-]{5,}$/.test(text.normalize("NFKC"));

/** Columns worth showing, by object; without a choice, whatever the org sent. */
const COLUMNS: Record<string, string[]> = {
  Account: ["Phone", "Website", "Industry"],
  Contact: ["AccountId", "Title", "Phone", "MobilePhone", "Email"],
  Lead: ["Company", "Phone", "MobilePhone", "Email", "Status"],
  Case: ["Subject", "Status", "Priority"],
};
const HIDDEN = new Set([
  "Id",
  "Name",
  "FirstName",
  "LastName",
  "attributes",
  "matched",
  "matched_fields",
  "object",
]);

function Group({
  group,
  rows,
  text,
  more,
}: {
  group: SearchGroup;
  rows: SearchGroup["records"];
  text: string;
  more: { label: string; go: () => void } | null;
}): ReactNode {
  const { t } = useTranslation();
  const info = useStore(objects).get(group.object);
  const { value: description } = useDescribe(group.object);
  const icon = objectIcon(group.object);
  const present = new Set(
    group.records.flatMap((row) => Object.keys(row).filter((key) => row[key] !== null)),
  );
  const has = (name: string) => present.has(name) || (name.endsWith("Id") && present.has(name.slice(0, -2)));
  const columns = (COLUMNS[group.object] ?? [...present].filter((name) => !HIDDEN.has(name)))
    .filter(has)
    .slice(0, 6);
  const label = info?.labelPlural ?? group.label_plural;
  return (
    <section className="slds-card console-card">
      <div className="slds-card__header slds-grid">
        <header className="slds-media slds-media_center slds-has-flexi-truncate">
          <div className="slds-media__figure">
            <Icon name={icon.name} size="small" className={icon.className} />
          </div>
          <div className="slds-media__body">
            <h2 className="slds-card__header-title">
              {label}
              <span className="slds-text-color_weak slds-m-left_x-small console-weight-normal">
                {t(group.has_more ? "search.group.more" : "search.group", { count: group.records.length })}
              </span>
            </h2>
          </div>
        </header>
      </div>
      <div className="slds-card__body">
        <table className="slds-table slds-table_bordered slds-table_fixed-layout console-table">
          <thead>
            <tr className="slds-line-height_reset">
              <th scope="col">
                <div className="slds-truncate">{labelOf("Name", description) ?? t("search.name")}</div>
              </th>
              {columns.map((name) => (
                <th key={name} scope="col">
                  <div className="slds-truncate">{labelOf(name, description) ?? name}</div>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.Id} className="slds-hint-parent">
                <th scope="row">
                  <div className="slds-truncate" title={rowName(row)}>
                    <RecordLink to={recordPath(group.object, row.Id)}>
                      <Marked value={rowName(row)} text={text} />
                    </RecordLink>
                  </div>
                </th>
                {columns.map((name) => (
                  <td key={name}>
                    <div className="slds-truncate">
                      <Cell
                        row={row}
                        name={name}
                        text={text}
                        description={description}
                        object={group.object}
                      />
                    </div>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {more !== null && (
          <p className="slds-text-align_center slds-p-top_small">
            <button type="button" className="slds-button" onClick={more.go}>
              {more.label}
            </button>
          </p>
        )}
      </div>
    </section>
  );
}

const labelOf = (name: string, description: Describe | null): string | undefined =>
  description?.fields.find((field) => field.name === name)?.label;

function Cell({
  row,
  name,
  text,
  description,
  object,
}: {
  row: Row & { Id: string };
  name: string;
  text: string;
  description: Describe | null;
  object: string;
}): ReactNode {
  const parent = row[name] ?? row[name.replace(/Id$/, "")];
  const parentId = typeof parent === "object" && parent !== null ? recordIdOf((parent as Row)["Id"]) : null;
  if (parentId !== null) {
    const id = parentId;
    return <RecordLink to={recordPath(objectOfId(id) ?? "", id)}>{rowName(parent as Row)}</RecordLink>;
  }
  const field = description?.fields.find((each) => each.name === name);
  const value = row[name];
  if (field?.type === "reference") {
    const related = row[field.relationshipName ?? ""];
    return typeof related === "object" && related !== null ? rowName(related as Row) : null;
  }
  if (typeof value === "string" && (field === undefined || field.type === "string")) {
    return <Marked value={value} text={text} />;
  }
  return (
    <FieldValue
      type={field?.type ?? "string"}
      value={value}
      picklist={field?.picklistValues}
      owner={{ id: row.Id, object, name: rowName(row) }}
    />
  );
}

/** The words that were searched, marked where they stand in a value. */
function Marked({ value, text }: { value: string; text: string }): ReactNode {
  const words = text.split(/\s+/).filter((word) => word.length > 0);
  const at = words
    .map((word) => ({ start: value.toLowerCase().indexOf(word.toLowerCase()), length: word.length }))
    .find((each) => each.start >= 0);
  if (at === undefined) return value;
  return (
    <>
      {value.slice(0, at.start)}
      <mark className="console-mark">{value.slice(at.start, at.start + at.length)}</mark>
      {value.slice(at.start + at.length)}
    </>
  );
}
