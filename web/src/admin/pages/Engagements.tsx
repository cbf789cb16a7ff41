/** The history: every engagement, newest first, found by number or name, kept up to date while it is read. */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  type EngagementFilter,
  type EngagementRow,
  listEngagements,
  listNewest,
} from "../../data/engagements.ts";
import type { Problem } from "../../data/http.ts";
import { listQueues } from "../../data/queues.ts";
import { Button, EmptyState, FormElement } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { Icon } from "../../ui/Icon.tsx";
import { useFailure, useHint, useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { Link, navigate } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { callerName, duration, OutcomeBadge, ProblemNotice, useRegion } from "../words.tsx";
import { extended, firstPage, type History, refreshed, withWaiting } from "./history.ts";

const SEARCH_PAUSE_MS = 300;
/** A reader this close to the top of the page sees new rows arrive there. */
const TOP_PX = 120;

export function EngagementsPage({
  query,
  manager,
}: {
  query: URLSearchParams;
  /** Sees everybody's engagements, and may ask for the queues. */
  manager: boolean;
}): ReactNode {
  const { t } = useTranslation();
  const failure = useFailure();
  const filter: EngagementFilter = {
    q: query.get("q") ?? "",
    queue: query.get("queue") ?? "",
    state: query.get("state") ?? "",
  };
  const key = JSON.stringify(filter);
  const filtered = Boolean(filter.q || filter.queue || filter.state);
  const [history, setHistory] = useState<History | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [more, setMore] = useState(false);
  const [turn, setTurn] = useState(0);
  const shownKey = useRef("");
  /** Customers are called something else: every row may have changed, not only the newest. Until all were read. */
  const renamed = useRef(false);
  const latest = useRef({ filter, rows: 0 });
  useEffect(() => {
    latest.current = { filter, rows: history?.rows.length ?? 0 };
    document.title = t("engagements.page");
  });

  useEffect(() => {
    const abort = new AbortController();
    const all = renamed.current && shownKey.current === key;
    const { filter, rows } = latest.current;
    listNewest(filter, all ? rows : 0, abort.signal).then(
      (page) => {
        if (all) renamed.current = false;
        const again = shownKey.current === key;
        shownKey.current = key;
        setHistory((before) =>
          again && before ? refreshed(before, page, window.scrollY < TOP_PX) : firstPage(page),
        );
        setProblem(null);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setProblem(failure(error));
      },
    );
    return () => abort.abort();
  }, [key, turn, failure]);
  const again = () => setTurn((count) => count + 1);
  useHint(["engagements"], again);
  useHint(["records"], () => {
    renamed.current = true;
    again();
  });

  const loadMore = async () => {
    if (!history?.nextCursor) return;
    setMore(true);
    try {
      const page = await listEngagements(filter, { cursor: history.nextCursor });
      if (shownKey.current === key) setHistory((before) => before && extended(before, page));
    } catch (error) {
      setProblem(failure(error));
    } finally {
      setMore(false);
    }
  };

  const change = (part: EngagementFilter) => {
    const next = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...filter, ...part }))
      if (value) next.set(name, String(value));
    const text = next.toString();
    navigate(`/portal/engagements${text === "" ? "" : `?${text}`}`, { replace: true });
  };

  return (
    <>
      <PageHead
        title={t("engagements.title")}
        explain={t(manager ? "engagements.explain" : "engagements.explain_own")}
      />
      <Filters filter={filter} manager={manager} onChange={change} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {history === null ? (
        !problem && <Waiting />
      ) : history.rows.length === 0 && history.waiting.length === 0 ? (
        filtered ? (
          <EmptyState
            icon="utility:search"
            title={t("engagements.none_found.title")}
            action={
              <Button onClick={() => change({ q: "", queue: "", state: "" })}>
                {t("engagements.clear")}
              </Button>
            }
          >
            {t("engagements.none_found.explain")}
          </EmptyState>
        ) : (
          <EmptyState icon="utility:call" title={t("engagements.empty.title")}>
            <p>{t("engagements.empty.explain")}</p>
            <p className="slds-m-top_x-small">
              <a href="/phone" target="_blank" rel="noreferrer">
                {t("engagements.empty.phone")}
              </a>
            </p>
          </EmptyState>
        )
      ) : (
        <>
          {history.waiting.length > 0 && (
            <button
              type="button"
              className="ad-newer"
              onClick={() => {
                setHistory(withWaiting(history));
                scrollTo({ top: 0 });
              }}
            >
              {t("engagements.newer", { count: history.waiting.length })}
            </button>
          )}
          <Table rows={history.rows} />
          {history.nextCursor && (
            <div className="ad-more">
              <Button disabled={more} onClick={() => void loadMore()}>
                {t(more ? "loading" : "engagements.more")}
              </Button>
            </div>
          )}
        </>
      )}
    </>
  );
}

function Filters({
  filter,
  manager,
  onChange,
}: {
  filter: EngagementFilter;
  manager: boolean;
  onChange: (part: EngagementFilter) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [text, setText] = useState(filter.q ?? "");
  const [shown, setShown] = useState(filter.q);
  // The address changed by another way than typing: back, or the button that clears.
  if (shown !== filter.q) {
    setShown(filter.q);
    if (filter.q !== text.trim()) setText(filter.q ?? "");
  }
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  useEffect(() => {
    if (text.trim() === (filter.q ?? "")) return;
    const timer = setTimeout(() => latest.current({ q: text.trim() }), SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, filter.q]);
  return (
    <div className="ad-filters" role="search">
      <FormElement label={t("filter.q")}>
        {({ id }) => (
          <input
            id={id}
            type="search"
            className="slds-input"
            placeholder={t("filter.q_hint")}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </FormElement>
      {manager && <QueueFilter queue={filter.queue ?? ""} onChange={onChange} />}
      <FormElement label={t("filter.state")}>
        {({ id }) => (
          <div className="slds-select_container">
            <select
              id={id}
              className="slds-select"
              value={filter.state ?? ""}
              onChange={(event) => onChange({ state: event.target.value })}
            >
              <option value="">{t("filter.all")}</option>
              {(["open", "answered", "unanswered", "abandoned", "failed"] as const).map((outcome) => (
                <option key={outcome} value={outcome}>
                  {t(`outcome.${outcome}`)}
                </option>
              ))}
            </select>
          </div>
        )}
      </FormElement>
    </div>
  );
}

function QueueFilter({
  queue,
  onChange,
}: {
  queue: string;
  onChange: (part: EngagementFilter) => void;
}): ReactNode {
  const { t } = useTranslation();
  const queues = useReading("queues", listQueues, []);
  return (
    <FormElement label={t("filter.queue")}>
      {({ id }) => (
        <div className="slds-select_container">
          <select
            id={id}
            className="slds-select"
            value={queue}
            onChange={(event) => onChange({ queue: event.target.value })}
          >
            <option value="">{t("filter.all")}</option>
            {(queues.value ?? []).map((each) => (
              <option key={each.id} value={each.id}>
                {each.name}
              </option>
            ))}
          </select>
        </div>
      )}
    </FormElement>
  );
}

function Table({ rows }: { rows: EngagementRow[] }): ReactNode {
  const { t } = useTranslation();
  return (
    <TableBox label={t("engagements.title")}>
      <table className="slds-table slds-table_bordered ad-table">
        <thead>
          <tr>
            <th scope="col">{t("column.caller")}</th>
            <th scope="col">{t("column.arrived")}</th>
            <th scope="col">{t("column.queue")}</th>
            <th scope="col">{t("column.agent")}</th>
            <th scope="col">{t("column.outcome")}</th>
            <th scope="col" className="ad-right">
              {t("column.waited")}
            </th>
            <th scope="col" className="ad-right">
              {t("column.talked")}
            </th>
            <th scope="col">{t("column.disposition")}</th>
            <th scope="col">{t("column.log")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Line key={row.id} row={row} />
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

const DIRECTION_ICONS = {
  inbound: "utility:incoming_call",
  outbound: "utility:outbound_call",
  internal: "utility:people",
} as const;

const DELIVERY_ICONS = {
  none: null,
  pending: { icon: "utility:clock", tone: "default" },
  delivered: { icon: "utility:success", tone: "success" },
  failed: { icon: "utility:error", tone: "error" },
} as const;

function Line({ row }: { row: EngagementRow }): ReactNode {
  const { t } = useTranslation();
  const region = useRegion();
  const name = callerName(row, t("caller.withheld"));
  const number = row.party.display ?? row.party.e164;
  const delivery = DELIVERY_ICONS[row.delivery];
  return (
    <tr>
      <th scope="row" className="ad-cell">
        <Icon
          name={DIRECTION_ICONS[row.direction]}
          size="xx-small"
          tone="default"
          label={t(`direction.${row.direction}`)}
        />{" "}
        <Link to={`/portal/engagements/${row.id}`} className="ad-strong">
          {name}
        </Link>
        {number && number !== name && <div className="ad-weak ad-number">{number}</div>}
        {row.record?.owner && <div className="ad-weak">{t("record.owner", { name: row.record.owner })}</div>}
      </th>
      <td className="ad-cell ad-number">
        <time dateTime={row.arrived_at}>{formatDateTime(row.arrived_at, region)}</time>
      </td>
      <td className="ad-cell">{row.queue.name}</td>
      <td className="ad-cell">{row.agent?.name ?? "–"}</td>
      <td className="ad-cell">
        <OutcomeBadge outcome={row.outcome} />
      </td>
      <td className="ad-cell ad-number ad-right">{duration(row.waited_ms)}</td>
      <td className="ad-cell ad-number ad-right">{duration(row.talked_ms || null)}</td>
      <td className="ad-cell">{row.disposition ?? "–"}</td>
      <td className="ad-cell">
        {delivery ? (
          <Icon
            name={delivery.icon}
            size="x-small"
            tone={delivery.tone}
            label={t(`delivery.${row.delivery}`)}
          />
        ) : (
          "–"
        )}
      </td>
    </tr>
  );
}
