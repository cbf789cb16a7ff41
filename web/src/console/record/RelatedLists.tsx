/** Records that point to this one: a few of each kind, and the way to all of them. */
import { useEffect, useId, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice, Skeleton } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { watchChanges } from "../data/live.ts";
import { refreshRelated, useDescribe, useRelated } from "../data/records.ts";
import type { FieldHead, RecordView, ReferenceInfo, RelatedRows, Row } from "../data/types.ts";
import { pathOf, recordPath, type Fields } from "../router.ts";
import { Link, RecordLink } from "../shell/Link.tsx";
import { openNew } from "../shell/workspace.ts";
import { FieldValue } from "./FieldValue.tsx";
import { objectIcon, referenceName, rowName } from "./names.ts";

/** Several records often change at once; the lists are asked for again when it is quiet. */
const QUIET_MS = 300;

export function RelatedLists({ id, view }: { id: string; view: RecordView }): ReactNode {
  const { t } = useTranslation();
  const { value, error } = useRelated(id);
  const kinds = view.related.map((list) => list.object).join(" ");

  useEffect(() => {
    const wanted = new Set(kinds.split(" "));
    let timer = 0;
    const stop = watchChanges((change) => {
      if (change !== null && !wanted.has(change.object)) return;
      window.clearTimeout(timer);
      timer = window.setTimeout(() => refreshRelated(id), QUIET_MS);
    });
    return () => {
      window.clearTimeout(timer);
      stop();
    };
  }, [id, kinds]);

  if (view.related.length === 0) {
    return <p className="slds-text-color_weak slds-p-around_medium">{t("related.none")}</p>;
  }
  return (
    <div className="record-related">
      {error !== null && value === null && (
        <Notice variant="error">
          {t("related.failed")}{" "}
          <button type="button" className="slds-button slds-text-link" onClick={() => refreshRelated(id)}>
            {t("common.retry")}
          </button>
        </Notice>
      )}
      {value === null
        ? error === null &&
          view.related.map((list) => (
            <div key={list.name} className="record-related__waiting" aria-hidden="true">
              <Skeleton width="30%" />
            </div>
          ))
        : value.map((list) => <RelatedCard key={list.name} id={id} view={view} list={list} />)}
    </div>
  );
}

/** Values that a new record of a related list begins with. */
export function relatedDefaults(id: string, view: RecordView, field: string, fields: string[]): Fields {
  const defaults: Fields = { [field]: id };
  // A case or opportunity of a person belongs to the person's account, too.
  const account = view.record["AccountId"];
  if (typeof account === "string" && field !== "AccountId" && fields.includes("AccountId")) {
    defaults["AccountId"] = account;
  }
  return defaults;
}

function RelatedCard({ id, view, list }: { id: string; view: RecordView; list: RelatedRows }): ReactNode {
  const { t } = useTranslation();
  const headingId = useId();
  const icon = objectIcon(list.object);
  const { value: description } = useDescribe(list.object);
  const count = list.has_more ? `${list.records.length}+` : String(list.records.length);
  const all = pathOf({ page: "related", object: view.object, id, name: list.name });
  return (
    <article className="slds-card slds-card_boundary record-related__card" aria-labelledby={headingId}>
      <div className="slds-card__header slds-grid">
        <header className="slds-media slds-media_center slds-has-flexi-truncate">
          <div className="slds-media__figure">
            <Icon name={icon.name} size="small" className={icon.className} />
          </div>
          <div className="slds-media__body">
            <h2 className="slds-card__header-title" id={headingId}>
              <Link className="slds-card__header-link slds-truncate" to={all}>
                {list.label} ({count})
              </Link>
            </h2>
          </div>
          {list.can_create && (
            <div className="slds-no-flex">
              <Button
                aria-label={t("related.new", { label: list.object_label })}
                onClick={() =>
                  openNew(
                    list.object,
                    relatedDefaults(id, view, list.field, description?.fields.map((each) => each.name) ?? []),
                  )
                }
              >
                {t("list.new")}
              </Button>
            </div>
          )}
        </header>
      </div>
      {list.records.length > 0 && (
        <>
          <div className="slds-card__body record-related__body">
            <RelatedTable
              object={list.object}
              label={list.label}
              columns={list.columns.slice(0, 4)}
              records={list.records}
              references={list.references}
            />
          </div>
          <footer className="slds-card__footer">
            <Link className="slds-card__footer-action" to={all}>
              {t("related.all")}
              <span className="slds-assistive-text">{list.label}</span>
            </Link>
          </footer>
        </>
      )}
    </article>
  );
}

/** Rows of records with the name as a link; headings sort where `onSort` is given. */
export function RelatedTable({
  object,
  label,
  columns,
  records,
  references,
  sort = "",
  down = false,
  onSort,
}: {
  object: string;
  label: string;
  columns: FieldHead[];
  records: (Row & { Id: string })[];
  references: Record<string, ReferenceInfo>;
  sort?: string;
  down?: boolean;
  onSort?: (name: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const { value: description } = useDescribe(object);
  const fieldOf = (name: string) => description?.fields.find((each) => each.name === name);
  const linked =
    columns.find(({ api_name: name }) => name === "Name" || fieldOf(name)?.nameField) ?? columns[0];
  return (
    <table
      className="slds-table slds-table_cell-buffer slds-table_bordered slds-table_fixed-layout record-table"
      aria-label={label}
    >
      <thead>
        <tr className="slds-line-height_reset">
          {columns.map((column) => {
            const text = fieldOf(column.api_name)?.label ?? column.label;
            const sorted = sort === column.api_name;
            return (
              <th
                key={column.api_name}
                scope="col"
                className={onSort === undefined ? undefined : "slds-is-sortable record-table__sort"}
                aria-sort={
                  onSort === undefined ? undefined : sorted ? (down ? "descending" : "ascending") : "none"
                }
              >
                {onSort === undefined ? (
                  <div className="slds-truncate" title={text}>
                    {text}
                  </div>
                ) : (
                  <button
                    type="button"
                    className="slds-button console-sort"
                    title={t("list.sort", { label: text })}
                    onClick={() => onSort(column.api_name)}
                  >
                    <span className="slds-truncate">{text}</span>
                    {sorted && (
                      <span aria-hidden="true" className="slds-m-left_xx-small">
                        {down ? "↓" : "↑"}
                      </span>
                    )}
                  </button>
                )}
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {records.map((row) => {
          const owner = { id: row.Id, object, name: rowName(row) };
          return (
            <tr key={row.Id} className="slds-hint-parent">
              {columns.map((column) => {
                const value = row[column.api_name];
                const target = typeof value === "string" ? references[value] : undefined;
                const cell =
                  column === linked ? (
                    <RecordLink to={recordPath(object, row.Id)}>{rowName(row)}</RecordLink>
                  ) : (
                    <FieldValue
                      type={column.type}
                      value={value}
                      owner={owner}
                      picklist={fieldOf(column.api_name)?.picklistValues}
                      reference={
                        target === undefined || typeof value !== "string"
                          ? undefined
                          : { id: value, object: target.object, name: referenceName(target) }
                      }
                    />
                  );
                return column === linked ? (
                  <th key={column.api_name} scope="row">
                    <div className="slds-truncate">{cell}</div>
                  </th>
                ) : (
                  <td key={column.api_name}>
                    <div className="slds-truncate">{cell}</div>
                  </td>
                );
              })}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
