/** Home: the state of the integration as a checklist that checks itself, and the bundle for whoever helps. */
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { checkConnection, type Group, readHome } from "../../data/home.ts";
import { Button, Notice } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { ProblemNotice, useRegion } from "../words.tsx";
import { useWork } from "../work.ts";
import { Check, useSurvey } from "./Checks.tsx";

const DIAGNOSTICS = "/api/v1/diagnostics";

export function HomePage(): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("home", readHome, ["connections", "users", "engagements"]);
  useEffect(() => {
    document.title = t("home.page");
  }, [t]);
  const open = value?.groups
    .flatMap((group) => group.steps)
    .filter(({ state }) => state === "wrong" || state === "missing");
  return (
    <>
      <PageHead title={t("home.title")} explain={t("home.explain")} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {value === null ? (
        !problem && <Waiting />
      ) : (
        <>
          <p className="ad-home__sum" role="status">
            {open?.length === 0 ? t("home.all_well") : t("home.open", { count: open?.length ?? 0 })}
          </p>
          <Groups groups={value.groups} />
        </>
      )}
      <section className="ad-card" aria-labelledby="home-help">
        <h2 className="ad-card__title" id="home-help">
          {t("home.help")}
        </h2>
        <p>{t("home.help.explain")}</p>
        <div className="ad-trouble__act">
          <a className="slds-button slds-button_neutral" href={DIAGNOSTICS} download>
            {t("home.help.download")}
          </a>
          <Link to="/portal/help">{t("home.help.pages")}</Link>
        </div>
      </section>
    </>
  );
}

function Groups({ groups }: { groups: Group[] }): ReactNode {
  useSurvey(
    groups.flatMap(({ connection, surveyed_at: at, steps }) =>
      connection !== null && steps[0]?.code !== "disconnected" ? [{ id: connection.id, at }] : [],
    ),
  );
  return groups.map((group) => <Part key={group.connection?.id ?? group.kind} group={group} />);
}

function Part({ group }: { group: Group }): ReactNode {
  const { t, i18n } = useTranslation();
  const region = useRegion();
  const { busy, problem, run } = useWork();
  const { connection, surveyed_at: at, error } = group;
  const title = connection?.name ?? t(`home.group.${group.kind}`);
  const reason = `problems.reason.${error ?? ""}`;
  return (
    <section className="ad-card" aria-label={title}>
      <div className="ad-card__head">
        <h2 className="ad-card__title">{title}</h2>
        {connection !== null && (
          <div className="ad-card__acts">
            <span className="ad-weak">
              {at === null ? t("home.not_asked") : t("home.asked_at", { at: formatDateTime(at, region) })}
            </span>
            <Button disabled={busy} onClick={() => run(() => checkConnection(connection.id))}>
              {t("home.ask")}
            </Button>
          </div>
        )}
      </div>
      {problem && <ProblemNotice problem={problem} />}
      {error != null && (
        <Notice variant="error">
          <p>
            {t("home.not_answered", {
              reason: i18n.exists(reason) ? t(reason) : t("problems.reason.unknown", { code: error }),
            })}
          </p>
        </Notice>
      )}
      <ul className="ad-check-lines">
        {group.steps.map((step) => (
          <Check
            key={step.key}
            name={step.key}
            finding={step}
            page={step.page}
            more={<Age token={step.params["token_at"]} />}
          />
        ))}
      </ul>
    </section>
  );
}

/** Since when the access token in use is there. */
function Age({ token }: { token: unknown }): ReactNode {
  const { t } = useTranslation();
  const region = useRegion();
  if (typeof token !== "string") return null;
  return <div className="ad-weak">{t("home.token_at", { at: formatDateTime(token, region) })}</div>;
}
