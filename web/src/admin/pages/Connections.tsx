/** Integrations, Applications: the account's connections with their state, and how the last sign-in at an org went. */
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import {
  callCenterUrl,
  type Connection,
  type ConnectionStatus,
  readConnections,
} from "../../data/connections.ts";
import { Problem } from "../../data/http.ts";
import { Button, EmptyState, Notice } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { Link, navigate } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice, useProblemText, useRegion } from "../words.tsx";

const BADGES: Record<ConnectionStatus, string> = {
  connected: "ad-badge ad-badge_good",
  needs_sign_in: "ad-badge ad-badge_bad",
  not_reachable: "ad-badge ad-badge_bad",
  disconnected: "ad-badge ad-badge_open",
};

export function StatusBadge({ status }: { status: ConnectionStatus }): ReactNode {
  const { t } = useTranslation();
  return <span className={BADGES[status]}>{t(`connection.status.${status}`)}</span>;
}

export function ConnectionsPage({ query }: { query: URLSearchParams }): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("connections", readConnections, ["connections"]);
  useEffect(() => {
    document.title = t("connections.page");
  }, [t]);
  const add = (
    <Button variant="brand" onClick={() => navigate("/portal/connections/new")}>
      {t("connections.add")}
    </Button>
  );
  return (
    <>
      <PageHead title={t("connections.title")} explain={t("connections.explain")}>
        {value?.integrations && value.connections.length > 0 && add}
      </PageHead>
      {value?.integrations === false && <IntegrationsOff />}
      <Outcome query={query} connections={value?.connections ?? []} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {value === null ? (
        !problem && <Waiting />
      ) : value.connections.length === 0 ? (
        <EmptyState
          icon="utility:apps"
          title={t("connections.none.title")}
          action={value.integrations ? add : undefined}
        >
          {t("connections.none.explain")}
        </EmptyState>
      ) : (
        <Table connections={value.connections} />
      )}
      {value?.integrations && <CallCenters />}
    </>
  );
}

/** Who can switch integrations on, where the operator has switched them off. */
export function IntegrationsOff(): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="ad-problems">
      <Notice variant="info">
        <p className="ad-strong">{t("connections.off.title")}</p>
        <p>{t("connections.off.explain")}</p>
      </Notice>
    </div>
  );
}

/** The documents that the org's administrator imports. */
function CallCenters(): ReactNode {
  const { t } = useTranslation();
  return (
    <section className="ad-card ad-call-centers" aria-labelledby="call-centers">
      <h2 className="ad-card__title" id="call-centers">
        {t("connections.call_centers")}
      </h2>
      <p>{t("connections.call_centers.explain")}</p>
      <div className="ad-trouble__act">
        <a className="slds-button slds-button_neutral" href={callCenterUrl("standard")} download>
          {t("connections.call_centers.standard")}
        </a>
        <a className="slds-button slds-button_neutral" href={callCenterUrl("sso")} download>
          {t("connections.call_centers.sso")}
        </a>
        <Link to="/portal/help/call-center">{t("connections.call_centers.help")}</Link>
      </div>
    </section>
  );
}

/** What came of a sign-in at an org, told once: going on forgets it. */
function Outcome({ query, connections }: { query: URLSearchParams; connections: Connection[] }): ReactNode {
  const { t, i18n } = useTranslation();
  const textOf = useProblemText();
  const connected = query.get("connected");
  const failed = query.get("failed");
  if (connected !== null) {
    const found = connections.find(({ id }) => id === connected);
    return (
      found && (
        <div className="ad-problems">
          <Notice variant="info">{t("connections.connected", { name: found.name })}</Notice>
        </div>
      )
    );
  }
  if (failed === null || failed === "integrations_off") return null;
  const reason = `connections.reason.${query.get("reason") ?? ""}`;
  return (
    <div className="ad-problems">
      <Notice variant="error">
        <p>{i18n.exists(reason) ? t(reason) : textOf(new Problem(failed, 409))}</p>
        <p>{t("connections.failed_so")}</p>
      </Notice>
    </div>
  );
}

function Table({ connections }: { connections: Connection[] }): ReactNode {
  const { t, i18n } = useTranslation();
  const region = useRegion();
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <TableBox label={t("connections.title")}>
      <table className="slds-table slds-table_bordered ad-table">
        <thead>
          <tr>
            <th scope="col">{t("connection.name")}</th>
            <th scope="col">{t("connection.application")}</th>
            <th scope="col">{t("connection.environment")}</th>
            <th scope="col">{t("connection.status")}</th>
            <th scope="col">{t("connection.connected_by")}</th>
            <th scope="col">{t("connection.succeeded_at")}</th>
            <th scope="col" className="ad-right">
              {t("connection.api_requests")}
            </th>
          </tr>
        </thead>
        <tbody>
          {connections.map((each) => (
            <tr key={each.id}>
              <th scope="row" className="ad-cell">
                <Link to={`/portal/connections/${each.id}`}>{each.name}</Link>
              </th>
              <td className="ad-cell">Salesforce</td>
              <td className="ad-cell">{t(`connection.environment.${each.environment}`)}</td>
              <td className="ad-cell">
                <StatusBadge status={each.status} />
              </td>
              <td className="ad-cell">{each.connected_by ?? "–"}</td>
              <td className="ad-cell ad-number">
                {each.succeeded_at ? formatDateTime(each.succeeded_at, region) : "–"}
              </td>
              <td className="ad-cell ad-number ad-right">
                {each.api_requests
                  ? t("connection.api_requests.of", {
                      used: number.format(each.api_requests.used),
                      limit: number.format(each.api_requests.limit),
                    })
                  : "–"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}
