/** One connection: its state, its name and org, the related domains, its end. And the way to a new one. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addConnection,
  authoriseAgain,
  changeConnection,
  type Connection,
  type Connections,
  type Impact,
  readConnections,
  readImpact,
  removeConnection,
  setRelatedDomains,
} from "../../data/connections.ts";
import { checkConnection } from "../../data/home.ts";
import type { Problem } from "../../data/http.ts";
import { Button, EmptyState, FormElement, IconButton, Notice } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { Symbol } from "../../ui/Icon.tsx";
import { useReading } from "../live.tsx";
import { Confirm, Waiting } from "../parts.tsx";
import { Link, navigate } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { ProblemNotice, useRegion } from "../words.tsx";
import { useWork } from "../work.ts";
import { Check, useSurvey } from "./Checks.tsx";
import { IntegrationsOff, StatusBadge } from "./Connections.tsx";
import { emptyOrg, type OrgDraft, OrgFields, orgOf } from "./OrgFields.tsx";

const LIST = "/portal/connections";
/** In the order in which they are mended. */
const CHECKS = [
  "org",
  "open_cti",
  "package",
  "permission_sets",
  "call_center",
  "console",
  "customers",
  "all_customers",
  "tasks",
  "session_history",
  "settings",
  "users",
  "presence",
];

function Back(): ReactNode {
  const { t } = useTranslation();
  return (
    <Link to={LIST} className="ad-back">
      <Symbol name="utility:back" className="ad-back__icon" />
      {t("connections.title")}
    </Link>
  );
}

/** The field that a refusal is about, if it is one of the form's. */
const fieldOf = (problem: Problem | null): string | null =>
  problem?.code === "connection_name_taken"
    ? "name"
    : problem?.code === "input_invalid" && typeof problem.params["field"] === "string"
      ? problem.params["field"]
      : null;

function NameField({
  value,
  onChange,
  problem,
}: {
  value: string;
  onChange: (name: string) => void;
  problem: Problem | null;
}): ReactNode {
  const { t } = useTranslation();
  const wrong = fieldOf(problem) === "name";
  return (
    <FormElement
      label={t("connection.name")}
      required
      requiredLabel={t("required")}
      help={t("connection.name.help")}
      error={
        wrong ? t(`connection.wrong.name${problem?.code === "input_invalid" ? "" : "_taken"}`) : undefined
      }
    >
      {({ id, describedBy, invalid }) => (
        <input
          id={id}
          className="slds-input"
          required
          maxLength={80}
          autoComplete="off"
          aria-invalid={invalid}
          aria-describedby={describedBy}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </FormElement>
  );
}

export function AddConnectionPage(): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("connections", readConnections, []);
  useEffect(() => {
    document.title = t("connections.page");
  }, [t]);
  return (
    <>
      <Back />
      <PageHead title={t("connections.add")} explain={t("connections.add.explain")} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {value && (value.integrations ? <AddForm of={value} /> : <IntegrationsOff />)}
    </>
  );
}

function AddForm({ of }: { of: Connections }): ReactNode {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [org, setOrg] = useState<OrgDraft>(emptyOrg(of.embedded_allowed ? "embedded" : "production"));
  const { busy, problem, run } = useWork();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run(async () => location.assign(await addConnection(name, orgOf(org))));
  };
  return (
    <form className="ad-card ad-form" onSubmit={submit}>
      <dl className="ad-facts">
        <div className="ad-fact">
          <dt>{t("connection.application")}</dt>
          <dd>Salesforce</dd>
        </div>
        <div className="ad-fact">
          <dt>{t("connection.method")}</dt>
          <dd>OAuth</dd>
        </div>
      </dl>
      <NameField value={name} onChange={setName} problem={problem} />
      <OrgFields
        draft={org}
        onChange={setOrg}
        embeddedAllowed={of.embedded_allowed}
        callback={of.callback}
        wrong={fieldOf(problem)}
      />
      {problem && fieldOf(problem) === null && <ProblemNotice problem={problem} />}
      <div className="ad-form__acts">
        <Button onClick={() => navigate(LIST)}>{t("cancel")}</Button>
        <Button type="submit" variant="brand" disabled={busy}>
          {t("connection.log_in")}
        </Button>
      </div>
    </form>
  );
}

export function ConnectionPage({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("connections", readConnections, ["connections"]);
  const found = value?.connections.find((each) => each.id === id);
  useEffect(() => {
    document.title = found ? `${found.name} | Tieline` : t("connections.page");
  }, [t, found]);
  if (value === null) return problem ? <ProblemNotice problem={problem} onRetry={again} /> : <Waiting />;
  if (!found)
    return (
      <EmptyState
        icon="utility:search"
        title={t("connection.gone.title")}
        action={<Link to={LIST}>{t("connection.gone.list")}</Link>}
      >
        {t("connection.gone.explain")}
      </EmptyState>
    );
  return (
    <>
      <Back />
      <PageHead
        title={
          <>
            {found.name} <StatusBadge status={found.status} />
          </>
        }
        explain={t("connection.explain", { environment: t(`connection.environment.${found.environment}`) })}
      />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {!value.integrations && <IntegrationsOff />}
      <State connection={found} />
      {found.status !== "disconnected" && <SetUp connection={found} />}
      {value.integrations && (
        <>
          <Edit key={found.name} connection={found} of={value} />
          <Domains connection={found} />
        </>
      )}
      <Removal connection={found} />
    </>
  );
}

function State({ connection }: { connection: Connection }): ReactNode {
  const { t, i18n } = useTranslation();
  const region = useRegion();
  const number = new Intl.NumberFormat(i18n.language);
  const { busy, problem, run } = useWork();
  const time = (at: string | null) => (at ? formatDateTime(at, region) : "–");
  const facts: [string, ReactNode][] = [
    ["connection.connected_by", connection.connected_by ?? "–"],
    ["connection.connected_at", time(connection.connected_at)],
    ["connection.token_at", time(connection.token_at)],
    ["connection.succeeded_at", time(connection.succeeded_at)],
    [
      "connection.api_requests",
      connection.api_requests
        ? t("connection.api_requests.of", {
            used: number.format(connection.api_requests.used),
            limit: number.format(connection.api_requests.limit),
          })
        : "–",
    ],
    ["connection.index", t(`connection.index.${connection.index.state}`)],
    ["connection.org_id", connection.org_id ?? "–"],
    ["connection.at", connection.login_origin],
    ["connection.country_codes", connection.country_codes.join(" ") || "–"],
  ];
  const failed = connection.error && connection.status !== "connected";
  const reason = connection.error ? `problems.reason.${connection.error.code}` : "";
  return (
    <section className="ad-card" aria-label={t("connection.state")}>
      <h2 className="ad-card__title">{t("connection.state")}</h2>
      {connection.status !== "connected" && (
        <div className="ad-problems">
          <Notice variant={connection.status === "disconnected" ? "info" : "error"}>
            <p>{t(`connection.status.${connection.status}.so`)}</p>
            {failed && (
              <p>
                {i18n.exists(reason)
                  ? t(reason)
                  : t("problems.reason.unknown", { code: connection.error?.code })}
              </p>
            )}
          </Notice>
        </div>
      )}
      <dl className="ad-facts">
        {facts.map(([word, value]) => (
          <div key={word} className="ad-fact">
            <dt>{t(word)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="ad-trouble__act">
        <Button
          disabled={busy}
          variant={
            connection.status === "needs_sign_in" || connection.status === "disconnected"
              ? "brand"
              : "neutral"
          }
          onClick={() => run(async () => location.assign(await authoriseAgain(connection.id)))}
        >
          {t(connection.status === "disconnected" ? "connection.log_in" : "connection.log_in_again")}
        </Button>
      </div>
      {problem && <ProblemNotice problem={problem} />}
    </section>
  );
}

/** What is asked of the org, one by one, and what it said. */
function SetUp({ connection }: { connection: Connection }): ReactNode {
  const { t } = useTranslation();
  const region = useRegion();
  const { busy, problem, run } = useWork();
  const { checks, at } = connection.survey;
  useSurvey([{ id: connection.id, at }]);
  return (
    <section className="ad-card" aria-label={t("connection.set_up")}>
      <div className="ad-card__head">
        <h2 className="ad-card__title">{t("connection.set_up")}</h2>
        <div className="ad-card__acts">
          <span className="ad-weak">
            {at === null ? t("home.not_asked") : t("home.asked_at", { at: formatDateTime(at, region) })}
          </span>
          <Button disabled={busy} onClick={() => run(() => checkConnection(connection.id))}>
            {t("home.ask")}
          </Button>
        </div>
      </div>
      <p className="ad-weak">{t("connection.set_up.explain")}</p>
      {problem && <ProblemNotice problem={problem} />}
      <ul className="ad-check-lines">
        {CHECKS.filter((name) => name in checks).map((name) => (
          <Check key={name} name={name} finding={checks[name]!} />
        ))}
      </ul>
    </section>
  );
}

function Edit({ connection, of }: { connection: Connection; of: Connections }): ReactNode {
  const { t } = useTranslation();
  const [name, setName] = useState(connection.name);
  const [moving, setMoving] = useState(false);
  const [org, setOrg] = useState<OrgDraft>(emptyOrg(connection.environment));
  const { busy, problem, run } = useWork();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run(async () => {
      const change = {
        ...(name.trim() === connection.name ? {} : { name }),
        ...(moving ? { org: orgOf(org) } : {}),
      };
      const url = await changeConnection(connection.id, change);
      if (url !== null) location.assign(url);
    });
  };
  const changed = moving || name.trim() !== connection.name;
  return (
    <section className="ad-card" aria-label={t("connection.edit")}>
      <h2 className="ad-card__title">{t("connection.edit")}</h2>
      <form className="ad-form" onSubmit={submit}>
        <NameField value={name} onChange={setName} problem={problem} />
        {moving ? (
          <>
            <Notice variant="info">{t("connection.move.explain")}</Notice>
            <OrgFields
              draft={org}
              onChange={setOrg}
              embeddedAllowed={of.embedded_allowed}
              callback={of.callback}
              wrong={fieldOf(problem)}
            />
          </>
        ) : (
          <div>
            <Button variant="base" onClick={() => setMoving(true)}>
              {t("connection.move")}
            </Button>
          </div>
        )}
        {problem && fieldOf(problem) === null && <ProblemNotice problem={problem} />}
        <div className="ad-form__acts">
          {changed && (
            <Button
              onClick={() => {
                setName(connection.name);
                setMoving(false);
              }}
            >
              {t("cancel")}
            </Button>
          )}
          <Button type="submit" variant="brand" disabled={busy || !changed}>
            {t("connection.save")}
          </Button>
        </div>
      </form>
    </section>
  );
}

function Domains({ connection }: { connection: Connection }): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const { busy, problem, run } = useWork();
  const set = (domains: string[], then?: () => void) =>
    run(async () => {
      await setRelatedDomains(connection.id, domains);
      then?.();
    });
  const add = (event: FormEvent) => {
    event.preventDefault();
    set([...connection.related_domains, typed], () => setTyped(""));
  };
  const wrong =
    problem?.code === "domain_taken" ||
    (problem?.code === "input_invalid" && problem.params["field"] === "domains");
  return (
    <section className="ad-card" aria-label={t("connection.domains")}>
      <h2 className="ad-card__title">{t("connection.domains")}</h2>
      <p className="ad-weak">{t("connection.domains.explain")}</p>
      <ul className="ad-domains">
        {connection.embedding_origins.map((origin) => (
          <li key={origin} className="ad-domains__entry">
            <span className="ad-domains__name">{origin}</span>
            <span className="ad-weak">{t("connection.domains.own")}</span>
          </li>
        ))}
        {connection.related_domains.map((origin) => (
          <li key={origin} className="ad-domains__entry">
            <span className="ad-domains__name">{origin}</span>
            <IconButton
              icon="utility:delete"
              label={t("connection.domains.remove", { domain: origin })}
              disabled={busy}
              onClick={() => set(connection.related_domains.filter((each) => each !== origin))}
            />
          </li>
        ))}
      </ul>
      <form className="ad-domains__add" onSubmit={add}>
        <FormElement
          label={t("connection.domains.add")}
          error={
            wrong
              ? t(
                  problem?.code === "domain_taken"
                    ? "connection.wrong.domain_taken"
                    : "connection.wrong.domains",
                )
              : undefined
          }
        >
          {({ id, describedBy, invalid }) => (
            <input
              id={id}
              className="slds-input"
              maxLength={300}
              required
              autoComplete="off"
              spellCheck={false}
              placeholder="https://example.com"
              aria-invalid={invalid}
              aria-describedby={describedBy}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </FormElement>
        <Button type="submit" disabled={busy}>
          {t("connection.domains.add.button")}
        </Button>
      </form>
      {problem && !wrong && <ProblemNotice problem={problem} />}
    </section>
  );
}

function Removal({ connection }: { connection: Connection }): ReactNode {
  const { t } = useTranslation();
  const [impact, setImpact] = useState<Impact | null>(null);
  const { busy, problem, run } = useWork();
  return (
    <section className="ad-card" aria-label={t("connection.remove")}>
      <h2 className="ad-card__title">{t("connection.remove")}</h2>
      <p className="ad-weak">{t("connection.remove.explain")}</p>
      <div className="ad-trouble__act">
        <Button
          variant="destructive"
          disabled={busy}
          onClick={() => run(async () => setImpact(await readImpact(connection.id)))}
        >
          {t("connection.remove.button")}
        </Button>
      </div>
      {problem && !impact && <ProblemNotice problem={problem} />}
      {impact && (
        <Confirm
          title={t("connection.remove.title", { name: connection.name })}
          button={t("connection.remove.button")}
          act={async () => {
            await removeConnection(connection.id);
            navigate(LIST);
          }}
          onClose={() => setImpact(null)}
        >
          <ul className="slds-list_dotted">
            <li>{t("connection.remove.users", { count: impact.users })}</li>
            <li>{t("connection.remove.logs", { count: impact.logs })}</li>
            <li>{t("connection.remove.records", { count: impact.records })}</li>
            <li>{t("connection.remove.grant")}</li>
          </ul>
        </Confirm>
      )}
    </section>
  );
}
