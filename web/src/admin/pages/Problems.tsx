/** What needs an administrator, told on every page as a banner and here in full, with what can be done. */
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { authoriseAgain } from "../../data/connections.ts";
import { type FailedLog, problemCount, type Problems, readProblems, retryLogs } from "../../data/problems.ts";
import { Button, EmptyState, Notice } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { type Reading, useFailure, useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice, useProblemText, useRegion } from "../words.tsx";

const READ_AGAIN_MS = 30_000;

/** For administrators: read again with each news of an engagement, and now and then, because time alone makes logs late. */
export function useProblems(): Reading<Problems> {
  const reading = useReading("problems", readProblems, ["engagements", "connections"]);
  const { again } = reading;
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => {
      again();
      setTurn(turn + 1);
    }, READ_AGAIN_MS);
    return () => clearTimeout(timer);
    // `again` is made anew with each drawing.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [turn]);
  return reading;
}

/** One line on top of every other page while something is wrong. */
export function ProblemsBanner({ problems }: { problems: Problems }): ReactNode {
  const { t } = useTranslation();
  const { connections, deliveries } = problems;
  if (problemCount(problems) === 0) return null;
  const refused = connections.filter(({ status }) => status === "needs_sign_in").length;
  const away = connections.length - refused;
  const late = deliveries.late.reduce((sum, each) => sum + each.count, 0);
  return (
    <div className="ad-problems">
      <Notice variant="error">
        <p>
          {refused > 0 && <span>{t("problems.connections", { count: refused })} </span>}
          {away > 0 && <span>{t("problems.away", { count: away })} </span>}
          {deliveries.failed.count > 0 && (
            <span>{t("problems.failed", { count: deliveries.failed.count })} </span>
          )}
          {late > 0 && <span>{t("problems.late", { count: late })} </span>}
          <Link to="/portal/problems">{t("problems.look")}</Link>
        </p>
      </Notice>
    </div>
  );
}

/** A code's sentence; one that has none yet shows itself. */
function useReasonText(): (code: string | null) => string {
  const { t, i18n } = useTranslation();
  return (code) => {
    if (code === null) return t("problems.reason.none");
    const key = `problems.reason.${code}`;
    return i18n.exists(key) ? t(key) : t("problems.reason.unknown", { code });
  };
}

export function ProblemsPage({ reading }: { reading: Reading<Problems> }): ReactNode {
  const { t } = useTranslation();
  const { value: problems, problem, again } = reading;
  useEffect(() => {
    document.title = t("problems.page");
  }, [t]);
  return (
    <>
      <PageHead title={t("problems.title")} explain={t("problems.explain")} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {problems === null ? (
        !problem && <Waiting />
      ) : problemCount(problems) === 0 ? (
        <EmptyState icon="utility:success" title={t("problems.none.title")}>
          {t("problems.none.explain")}
        </EmptyState>
      ) : (
        <Lists problems={problems} onChange={again} />
      )}
    </>
  );
}

function Lists({ problems, onChange }: { problems: Problems; onChange: () => void }): ReactNode {
  const { t } = useTranslation();
  const reasonOf = useReasonText();
  const region = useRegion();
  const { connections, deliveries } = problems;
  const { failed, late } = deliveries;
  return (
    <>
      {connections.map((each) => (
        <section key={each.id} className="ad-card ad-trouble" aria-label={each.name}>
          <h2 className="ad-card__title">{t(`problems.connection.${each.status}`, { name: each.name })}</h2>
          <p>{reasonOf(each.code)}</p>
          {each.since && (
            <p className="ad-weak">{t("problems.since", { at: formatDateTime(each.since, region) })}</p>
          )}
          {each.status === "needs_sign_in" ? (
            <Doing
              label={t("problems.authorise")}
              work={async () => {
                location.assign(await authoriseAgain(each.id));
                return null;
              }}
            />
          ) : (
            <p>
              <Link to={`/portal/connections/${each.id}`}>{t("problems.connection.look")}</Link>
            </p>
          )}
        </section>
      ))}
      {late.map((each) => (
        <section key={each.id} className="ad-card ad-trouble" aria-label={each.name}>
          <h2 className="ad-card__title">{t("problems.late_of", { count: each.count, name: each.name })}</h2>
          <p>{reasonOf(each.code)}</p>
          <p className="ad-weak">{t("problems.since", { at: formatDateTime(each.since, region) })}</p>
          <Retry connectionId={each.id} onChange={onChange} />
        </section>
      ))}
      {failed.connections.map((each) => (
        <section key={each.id} className="ad-card ad-trouble" aria-label={each.name}>
          <h2 className="ad-card__title">
            {t("problems.failed_of", { count: each.count, name: each.name })}
          </h2>
          <Retry connectionId={each.id} onChange={onChange} />
          <FailedLogs logs={failed.newest.filter((log) => log.connection_id === each.id)} />
        </section>
      ))}
    </>
  );
}

function FailedLogs({ logs }: { logs: FailedLog[] }): ReactNode {
  const { t } = useTranslation();
  const region = useRegion();
  const reasonOf = useReasonText();
  if (logs.length === 0) return null;
  return (
    <TableBox label={t("problems.title")}>
      <table className="slds-table slds-table_bordered ad-table">
        <thead>
          <tr>
            <th scope="col">{t("column.caller")}</th>
            <th scope="col">{t("column.arrived")}</th>
            <th scope="col">{t("column.agent")}</th>
            <th scope="col">{t("problems.why")}</th>
          </tr>
        </thead>
        <tbody>
          {logs.map((log) => (
            <tr key={log.engagement_id}>
              <th scope="row" className="ad-cell ad-number">
                <Link to={`/portal/engagements/${log.engagement_id}`}>
                  {log.number ?? t("caller.withheld")}
                </Link>
              </th>
              <td className="ad-cell ad-number">
                <time dateTime={log.arrived_at}>{formatDateTime(log.arrived_at, region)}</time>
              </td>
              <td className="ad-cell">{log.agent ?? "–"}</td>
              <td className="ad-cell">
                {reasonOf(log.error.code)}
                {log.error.message && <div className="ad-weak">{log.error.message}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

function Retry({ connectionId, onChange }: { connectionId: string; onChange: () => void }): ReactNode {
  const { t } = useTranslation();
  return (
    <Doing
      label={t("retry")}
      work={async () => {
        const count = await retryLogs(connectionId);
        onChange();
        return t("problems.retried", { count });
      }}
    />
  );
}

/** A button that asks the server for something, and says what came of it. */
function Doing({ label, work }: { label: string; work: () => Promise<string | null> }): ReactNode {
  const [working, setWorking] = useState(false);
  const [said, setSaid] = useState("");
  const failure = useFailure();
  const textOf = useProblemText();
  const run = async () => {
    setWorking(true);
    try {
      setSaid((await work()) ?? "");
    } catch (error) {
      setSaid(textOf(failure(error)));
    }
    setWorking(false);
  };
  return (
    <div className="ad-trouble__act">
      <Button disabled={working} onClick={() => void run()}>
        {label}
      </Button>
      <span role="status">{said}</span>
    </div>
  );
}
