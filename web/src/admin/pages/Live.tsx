/** Now: who waits in which queue, and what each agent is doing. */
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { type AgentRow, listAgents } from "../../data/agents.ts";
import { listQueues, type QueueRow } from "../../data/queues.ts";
import { EmptyState, Skeleton } from "../../ui/controls.tsx";
import { formatDuration } from "../../ui/format.ts";
import { useNow } from "../../ui/time.ts";
import { useReading } from "../live.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice, useWord } from "../words.tsx";

const ORDER = ["ready", "ringing", "occupied", "wrap_up", "not_ready", "offline"];

export function LivePage(): ReactNode {
  const { t, i18n } = useTranslation();
  const now = useNow(1000);
  const queues = useReading("queues", listQueues, ["queues", "engagements", "agents"]);
  const agents = useReading("agents", listAgents, ["agents", "engagements"]);
  useEffect(() => {
    document.title = t("live.page");
  }, [t]);
  const sorted = [...(agents.value ?? [])].sort(
    (a, b) =>
      ORDER.indexOf(a.presence.state) - ORDER.indexOf(b.presence.state) ||
      a.name.localeCompare(b.name, i18n.language),
  );
  const ready = sorted.filter((agent) => agent.presence.state === "ready").length;
  return (
    <>
      <PageHead title={t("live.title")} explain={t("live.explain")} />
      {(queues.problem ?? agents.problem) && (
        <ProblemNotice
          problem={(queues.problem ?? agents.problem)!}
          onRetry={() => {
            queues.again();
            agents.again();
          }}
        />
      )}
      <section aria-labelledby="live-queues">
        <h2 className="ad-section" id="live-queues">
          {t("live.queues")}
        </h2>
        {queues.value === null ? (
          !queues.problem && <Skeleton width="40%" />
        ) : queues.value.length === 0 ? (
          <EmptyState icon="utility:people" title={t("live.no_queue.title")}>
            {t("live.no_queue.explain")}
          </EmptyState>
        ) : (
          <ul className="ad-queues">
            {queues.value.map((queue) => (
              <QueueTile key={queue.id} queue={queue} now={now} />
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="live-agents">
        <h2 className="ad-section" id="live-agents">
          {t("live.agents")}
          {agents.value !== null && (
            <span className="ad-section__count">
              {t("live.ready_of", { ready, count: agents.value.length })}
            </span>
          )}
        </h2>
        {agents.value === null ? (
          !agents.problem && <Skeleton width="60%" />
        ) : sorted.length === 0 ? (
          <EmptyState icon="utility:user" title={t("live.no_agent.title")}>
            {t("live.no_agent.explain")}
          </EmptyState>
        ) : (
          <TableBox label={t("live.agents")}>
            <table className="slds-table slds-table_bordered ad-table">
              <thead>
                <tr>
                  <th scope="col">{t("agent.name")}</th>
                  <th scope="col">{t("agent.presence")}</th>
                  <th scope="col">{t("agent.since")}</th>
                  <th scope="col">{t("agent.queues")}</th>
                </tr>
              </thead>
              <tbody>
                {sorted.map((agent) => (
                  <AgentLine key={agent.id} agent={agent} now={now} />
                ))}
              </tbody>
            </table>
          </TableBox>
        )}
      </section>
    </>
  );
}

function QueueTile({ queue, now }: { queue: QueueRow; now: number }): ReactNode {
  const { t } = useTranslation();
  const longest = queue.longest_wait_since ? (now - Date.parse(queue.longest_wait_since)) / 1000 : null;
  return (
    <li className="ad-queue">
      <h3 className="ad-queue__name">{queue.name}</h3>
      <p className="ad-weak ad-queue__numbers">
        {queue.numbers.length === 0
          ? t("queue.no_number")
          : queue.numbers.map((number) => number.display).join(" · ")}
      </p>
      <dl className="ad-figures">
        <div>
          <dt>{t("queue.waiting")}</dt>
          <dd className={queue.waiting > 0 ? "ad-figure ad-figure_busy" : "ad-figure"}>{queue.waiting}</dd>
        </div>
        <div>
          <dt>{t("queue.longest")}</dt>
          <dd className="ad-figure">{longest === null ? "–" : formatDuration(longest)}</dd>
        </div>
        <div>
          <dt>{t("queue.ready")}</dt>
          <dd
            className={
              queue.ready_agents === 0 && queue.waiting > 0 ? "ad-figure ad-figure_bad" : "ad-figure"
            }
          >
            {queue.ready_agents}
          </dd>
        </div>
      </dl>
    </li>
  );
}

const DOTS: Record<string, string> = {
  ready: "ad-dot ad-dot_ready",
  ringing: "ad-dot ad-dot_busy",
  occupied: "ad-dot ad-dot_busy",
  wrap_up: "ad-dot ad-dot_away",
  not_ready: "ad-dot ad-dot_away",
};

function AgentLine({ agent, now }: { agent: AgentRow; now: number }): ReactNode {
  const { t } = useTranslation();
  const word = useWord();
  const { presence } = agent;
  return (
    <tr>
      <th scope="row" className="ad-cell">
        <div className="ad-strong">{agent.name}</div>
        <div className="ad-weak">{agent.email}</div>
      </th>
      <td className="ad-cell">
        <span className={DOTS[presence.state] ?? "ad-dot"} />
        {t(`presence.${presence.state}`)}
        {presence.state === "not_ready" && presence.reason && (
          <span className="ad-weak">
            {t("agent.reason", { reason: presence.reason_name ?? word("reason", presence.reason) })}
          </span>
        )}
      </td>
      <td className="ad-cell ad-number">{formatDuration((now - Date.parse(presence.since)) / 1000)}</td>
      <td className="ad-cell">
        {agent.queues.length === 0 ? t("agent.no_queue") : agent.queues.join(t("comma"))}
      </td>
    </tr>
  );
}
