/**
 * Help: what each line of the checklist is about and how it is mended, in short steps. A page of the portal, from its
 * catalogues: in the reader's language, of the version that runs, and there where no website is.
 */
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { readRoles } from "../../data/session.ts";
import { Spinner } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { useReading } from "../live.tsx";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice } from "../words.tsx";

export const TOPICS = [
  "connect",
  "rights",
  "package",
  "authorize",
  "call-center",
  "console",
  "open-cti",
  "users",
  "roles",
  "country-codes",
  "presence",
  "related-objects",
  "softphone-layout",
  "test-call",
  "index",
  "deliveries",
] as const;

export function HelpPage({ topic }: { topic: string | null }): ReactNode {
  const { t, i18n } = useTranslation();
  const chosen = TOPICS.find((each) => each === topic) ?? TOPICS[0];
  useEffect(() => {
    document.title = `${t(`help.${chosen}`)} | Tieline`;
  }, [t, chosen]);
  const steps: string[] = [];
  while (i18n.exists(`help.${chosen}.${steps.length + 1}`))
    steps.push(t(`help.${chosen}.${steps.length + 1}`));
  return (
    <>
      <PageHead title={t("help.title")} explain={t("help.explain")} />
      <div className="ad-help">
        <nav className="ad-card ad-help__topics" aria-label={t("help.topics")}>
          <ul>
            {TOPICS.map((each) => (
              <li key={each}>
                <Link to={`/portal/help/${each}`} aria-current={each === chosen ? "page" : undefined}>
                  {t(`help.${each}`)}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <article className="ad-card ad-help__words">
          <h2 className="ad-card__title">{t(`help.${chosen}`)}</h2>
          <p>{t(`help.${chosen}.why`)}</p>
          {steps.length > 0 && (
            <ol className="slds-list_ordered">
              {steps.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          )}
          {chosen === "roles" && <Roles />}
        </article>
      </div>
    </>
  );
}

/** The table that the server's doors ask, with words. */
function Roles(): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("roles", readRoles, []);
  if (problem) return <ProblemNotice problem={problem} onRetry={again} />;
  if (value === null) return <Spinner label={t("loading")} />;
  return (
    <TableBox label={t("help.roles")}>
      <table className="slds-table slds-table_bordered ad-table">
        <thead>
          <tr>
            <th scope="col">{t("help.roles.right")}</th>
            {value.roles.map((role) => (
              <th key={role} scope="col" className="ad-centre">
                {t(`role.${role}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {value.rights.map((right) => (
            <tr key={right.key}>
              <th scope="row" className="ad-cell ad-wrap">
                {t(`right.${right.key}`)}
              </th>
              {value.roles.map((role) => (
                <td key={role} className="ad-cell ad-centre">
                  {right.roles.includes(role) ? (
                    <>
                      <Symbol name="utility:check" className="ad-may" />
                      <span className="slds-assistive-text">{t("account.yes")}</span>
                    </>
                  ) : (
                    <span className="slds-assistive-text">{t("account.no")}</span>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}
