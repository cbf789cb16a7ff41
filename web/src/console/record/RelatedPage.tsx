/** All records of one related list, sorted and paged. */
import { useCallback, useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, Skeleton } from "../../ui/controls.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { ApiError } from "../data/client.ts";
import { watchChanges } from "../data/live.ts";
import { relatedPage, useDescribe, useRecord } from "../data/records.ts";
import type { RelatedRows } from "../data/types.ts";
import { recordPath } from "../router.ts";
import { RecordLink } from "../shell/Link.tsx";
import { onRefresh } from "../shell/refresh.ts";
import { openNew } from "../shell/workspace.ts";
import { objectIcon, rowName } from "./names.ts";
import { relatedDefaults, RelatedTable } from "./RelatedLists.tsx";
import "./record.css";

export default function RelatedPage({ id, name }: { id: string; name: string }): ReactNode {
  const { t } = useTranslation();
  const { value: view } = useRecord(id);
  const [list, setList] = useState<RelatedRows | null>(null);
  const [failed, setFailed] = useState<ApiError | null>(null);
  const [sort, setSort] = useState({ name: "", down: false });
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((current) => current + 1), []);
  const { value: description } = useDescribe(list?.object ?? null);

  useEffect(() => {
    const controller = new AbortController();
    relatedPage(
      id,
      name,
      { offset: 0, sort: sort.name, dir: sort.down ? "desc" : "asc" },
      controller.signal,
    ).then(
      (page) => {
        setList(page);
        setFailed(null);
      },
      (error: unknown) => {
        if (!controller.signal.aborted) setFailed(error instanceof ApiError ? error : new ApiError(0, []));
      },
    );
    return () => controller.abort();
  }, [id, name, sort, turn]);

  useEffect(() => onRefresh(again), [again]);
  const object = list?.object;
  useEffect(
    () =>
      watchChanges((change) => {
        if (change === null || change.object === object) again();
      }),
    [object, again],
  );

  async function more() {
    if (list === null) return;
    const page = await relatedPage(id, name, {
      offset: list.records.length,
      sort: sort.name,
      dir: sort.down ? "desc" : "asc",
    });
    const seen = new Set(list.records.map((row) => row.Id));
    setList({
      ...page,
      records: [...list.records, ...page.records.filter((row) => !seen.has(row.Id))],
      references: { ...list.references, ...page.references },
    });
  }

  const icon = objectIcon(list?.object ?? "");
  const title = list?.label ?? name;
  if (failed !== null && list === null) {
    return (
      <div className="slds-card console-card">
        <EmptyState
          icon="utility:warning"
          heading
          title={t(failed.passing ? "related.failed" : "record.missing")}
          action={<Button onClick={again}>{t("common.retry")}</Button>}
        />
      </div>
    );
  }
  return (
    <div className="console-list">
      <header className="slds-page-header console-list__header">
        <div className="slds-page-header__row">
          <div className="slds-page-header__col-title">
            <div className="slds-media">
              <div className="slds-media__figure">
                <Icon name={icon.name} size="page-header" className={icon.className} />
              </div>
              <div className="slds-media__body">
                <nav aria-label={t("related.way")}>
                  <ol className="slds-breadcrumb slds-list_horizontal">
                    {view !== null && (
                      <li className="slds-breadcrumb__item">
                        <RecordLink to={recordPath(view.object, id)}>{rowName(view.record)}</RecordLink>
                      </li>
                    )}
                  </ol>
                </nav>
                <h1 className="slds-page-header__title">{title}</h1>
              </div>
            </div>
          </div>
          <div className="slds-page-header__col-actions">
            {list?.can_create && view !== null && (
              <Button
                onClick={() =>
                  openNew(
                    list.object,
                    relatedDefaults(id, view, list.field, description?.fields.map((each) => each.name) ?? []),
                  )
                }
              >
                {t("list.new")}
              </Button>
            )}
          </div>
        </div>
        <p className="slds-page-header__meta-text">
          {list === null ? (
            <Skeleton width="6rem" />
          ) : (
            t(list.has_more ? "related.count.more" : "related.count", { count: list.records.length })
          )}
        </p>
      </header>
      <div className="console-list__body">
        {list !== null && list.records.length === 0 ? (
          <EmptyState icon="utility:list" title={t("related.empty", { label: list.label })} />
        ) : (
          list !== null && (
            <RelatedTable
              object={list.object}
              label={list.label}
              columns={list.columns}
              records={list.records}
              references={list.references}
              sort={sort.name}
              down={sort.down}
              onSort={(column) => setSort({ name: column, down: sort.name === column && !sort.down })}
            />
          )
        )}
        {list?.has_more === true && (
          <div className="console-list__more">
            <Button onClick={() => void more()}>{t("timeline.more")}</Button>
          </div>
        )}
      </div>
    </div>
  );
}
