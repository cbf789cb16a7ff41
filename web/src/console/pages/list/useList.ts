/** The rows of a list while it is shown: loaded, continued, asked for again when records change. */
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { listPage, type ListQuery } from "../../data/lists.ts";
import { watchChanges } from "../../data/live.ts";
import type { ListColumn, ListView, Row } from "../../data/types.ts";
import { problemsOf } from "../../record/problems.ts";
import { onRefresh } from "../../shell/refresh.ts";

export interface Shown {
  query: ListQuery;
  rows: Row[];
  columns: ListColumn[];
  total: number;
  moreThan: boolean;
  hasMore: boolean;
  /** What rows are sorted by; empty for the order in which they were seen. */
  sort: string;
  descending: boolean;
  view: ListView | null;
  scroll: number;
}

export interface List {
  shown: Shown | null;
  failed: string | null;
  busy: boolean;
  more: () => void;
  again: () => void;
}

/** Lists as they were left, by object and the view asked for. */
const left = new Map<string, Shown>();
const SETTLE_MS = 800;
const KEPT_ROWS = 200;

export const asLeft = (object: string, view: string): Shown | null => left.get(`${object} ${view}`) ?? null;

export function useList(object: string, query: ListQuery): List {
  const { t } = useTranslation();
  const [shown, setShown] = useState<Shown | null>(asLeft(object, query.view));
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [turn, setTurn] = useState(0);
  const running = useRef<AbortController | null>(null);
  const latest = useRef(shown);
  latest.current = shown;

  const load = useCallback(
    (wanted: ListQuery, have: Row[], most: number) => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      setBusy(true);
      listPage(object, wanted, have, controller.signal).then(
        (page) => {
          const seen = new Set(have.map((row) => row["Id"]));
          const next: Shown = {
            query: wanted,
            rows: [...have, ...page.records.filter((row) => !seen.has(row["Id"]))],
            columns: page.columns,
            total: page.total,
            moreThan: page.more_than,
            hasMore: page.has_more,
            sort: page.sort,
            descending: page.descending,
            view: page.view,
            scroll: latest.current?.scroll ?? 0,
          };
          left.set(`${object} ${wanted.view}`, next);
          setShown(next);
          setFailed(null);
          setBusy(false);
          // After a refresh of a long list, what was further down is asked for again.
          if (next.hasMore && next.rows.length < most) load(wanted, next.rows, most);
        },
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setBusy(false);
          setFailed(problemsOf(error, null, t).record[0] ?? t("problem.unknown"));
        },
      );
    },
    [object, t],
  );

  useEffect(() => {
    const known = latest.current;
    const same = known !== null && JSON.stringify(known.query) === JSON.stringify(query);
    load(query, [], same ? Math.min(known.rows.length, KEPT_ROWS) : 0);
    return () => running.current?.abort();
  }, [load, query, turn]);

  useEffect(() => {
    let timer = 0;
    const again = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => setTurn((current) => current + 1), SETTLE_MS);
    };
    const stop = [
      watchChanges((change) => {
        if (change === null || (change.object === object && change.kind !== "activity")) again();
      }),
      onRefresh(again),
    ];
    return () => {
      window.clearTimeout(timer);
      for (const each of stop) each();
    };
  }, [object]);

  return {
    shown,
    failed,
    busy,
    more: () => {
      if (shown !== null && shown.hasMore && !busy) load(query, shown.rows, 0);
    },
    again: () => setTurn((current) => current + 1),
  };
}
