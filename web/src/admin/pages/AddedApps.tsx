/** Added apps: what users of the account let in, and the other direction, our own connections. */
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type AddedApp, type Grant, readAddedApps, removeAddedApp } from "../../data/apps.ts";
import { readConnections } from "../../data/connections.ts";
import { Button, EmptyState } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { useReading } from "../live.tsx";
import { Confirm, Waiting } from "../parts.tsx";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice, useRegion } from "../words.tsx";

interface Removing {
  app: AddedApp;
  grant: Grant | null;
}

export function AddedAppsPage(): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("added apps", readAddedApps, ["apps", "users"]);
  const connections = useReading("connections", readConnections, ["connections"]).value?.connections ?? [];
  const [removing, setRemoving] = useState<Removing | null>(null);
  useEffect(() => {
    document.title = t("added.page");
  }, [t]);
  return (
    <>
      <PageHead title={t("added.title")} explain={t("added.explain")} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {value === null ? (
        !problem && <Waiting />
      ) : value.length === 0 ? (
        <EmptyState icon="utility:apps" title={t("added.none.title")}>
          {t("added.none.explain")}
        </EmptyState>
      ) : (
        value.map((app) => (
          <section key={app.id} className="ad-card ad-added" aria-label={app.name}>
            <div className="ad-head">
              <h2 className="ad-card__title">{app.name}</h2>
              <Button
                variant="destructive"
                aria-label={t("added.remove.of", { name: app.name })}
                onClick={() => setRemoving({ app, grant: null })}
              >
                {t("added.remove")}
              </Button>
            </div>
            <Grants app={app} onRemove={(grant) => setRemoving({ app, grant })} />
          </section>
        ))
      )}
      <h2 className="ad-section">{t("added.other_way")}</h2>
      <p className="ad-weak slds-m-bottom_small">{t("added.other_way.explain")}</p>
      {connections.length === 0 ? (
        <p>{t("added.other_way.none")}</p>
      ) : (
        <ul className="slds-list_dotted">
          {connections.map((each) => (
            <li key={each.id}>
              <Link to={`/portal/connections/${each.id}`}>{each.name}</Link>{" "}
              <span className="ad-weak">{t(`connection.status.${each.status}`)}</span>
            </li>
          ))}
        </ul>
      )}
      {removing && (
        <RemoveDialog
          removing={removing}
          onClose={() => {
            setRemoving(null);
            again();
          }}
        />
      )}
    </>
  );
}

function Grants({ app, onRemove }: { app: AddedApp; onRemove: (grant: Grant) => void }): ReactNode {
  const { t } = useTranslation();
  const region = useRegion();
  return (
    <TableBox label={t("added.title")}>
      <table className="slds-table slds-table_bordered ad-table">
        <thead>
          <tr>
            <th scope="col">{t("added.by")}</th>
            <th scope="col">{t("apps.scopes")}</th>
            <th scope="col">{t("added.since")}</th>
            <th scope="col">{t("added.used")}</th>
            <th scope="col">{t("added.tokens")}</th>
            <th scope="col">{t("apps.acts")}</th>
          </tr>
        </thead>
        <tbody>
          {app.grants.map((grant) => (
            <tr key={grant.id}>
              <th scope="row" className="ad-cell">
                <div className="ad-strong">{grant.by.name}</div>
                <div className="ad-weak">{grant.by.email}</div>
              </th>
              <td className="ad-cell">
                {grant.scopes.map((scope) => (
                  <div key={scope}>{t(`scope.${scope}`)}</div>
                ))}
              </td>
              <td className="ad-cell ad-number">{formatDateTime(grant.created_at, region)}</td>
              <td className="ad-cell ad-number">
                {grant.used_at ? formatDateTime(grant.used_at, region) : t("added.never")}
              </td>
              <td className="ad-cell">
                {t("added.tokens.access", { count: grant.access_tokens })}
                <div className="ad-weak">
                  {t("added.tokens.until", { date: formatDateTime(grant.ends_at, region) })}
                </div>
              </td>
              <td className="ad-cell">
                <Button
                  variant="base"
                  aria-label={t("added.revoke.of", { name: grant.by.name })}
                  onClick={() => onRemove(grant)}
                >
                  {t("added.revoke")}
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}

function RemoveDialog({ removing, onClose }: { removing: Removing; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const { app, grant } = removing;
  const act = async () => {
    await removeAddedApp(app.id, grant?.id);
    onClose();
  };
  return (
    <Confirm
      title={t("added.remove.title", { name: app.name })}
      button={t("added.remove")}
      act={act}
      onClose={onClose}
    >
      <p>
        {grant === null
          ? t("added.remove.explain", { name: app.name, count: app.grants.length })
          : t("added.revoke.explain", { name: app.name, by: grant.by.name })}
      </p>
    </Confirm>
  );
}
