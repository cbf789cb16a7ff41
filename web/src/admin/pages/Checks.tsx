/** Lines of the checklist: what is looked at, how it stands, why, and where it is mended or explained. */
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { checkConnection, type Finding, type StepState } from "../../data/home.ts";
import { Symbol } from "../../ui/Icon.tsx";
import { Link } from "../router.tsx";

const ICONS: Record<StepState, string> = {
  ok: "utility:success",
  note: "utility:info",
  wrong: "utility:error",
  missing: "utility:warning",
  unknown: "utility:help",
};

/** Where a line is explained, by what it is about. */
const HELP: Record<string, string> = {
  integrations: "connect",
  plan: "connect",
  licenses: "users",
  connection: "connect",
  org: "connect",
  rights: "rights",
  customers: "rights",
  all_customers: "rights",
  tasks: "rights",
  session_history: "package",
  settings: "package",
  users: "rights",
  open_cti: "open-cti",
  package: "package",
  permission_sets: "package",
  call_center: "call-center",
  console: "console",
  presence: "presence",
  index: "index",
  deliveries: "deliveries",
  agents: "users",
  found: "users",
  unique: "users",
  permitted: "users",
  in_call_center: "users",
};

const OLD_MS = 60_000;

/** Has orgs asked again that were last asked more than a minute before this page was opened. */
export function useSurvey(connections: readonly { id: string; at: string | null }[]): void {
  const old = connections
    .filter(({ at }) => at === null || Date.now() - Date.parse(at) > OLD_MS)
    .map(({ id }) => id)
    .join();
  useEffect(() => {
    // Whether it could be asked for shows in the age of what is shown.
    for (const id of old === "" ? [] : old.split(",")) checkConnection(id).catch(() => undefined);
    // Once for each page: what comes back is shown, however old it gets meanwhile.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [connections.length]);
}

function useSaying(): (name: string, finding: Finding) => string {
  const { t, i18n } = useTranslation();
  return (name, { code, params }) => {
    const own = `check.${name}.${code}`;
    const key = i18n.exists(own) ? own : i18n.exists(`${own}_other`) ? own : `check.any.${code}`;
    const statuses = Array.isArray(params["statuses"])
      ? params["statuses"].map((each) => t(`presence.${String(each)}`)).join(t("comma"))
      : undefined;
    return t(key, { ...params, statuses, defaultValue: code.replaceAll("_", " ") });
  };
}

export function Check({
  name,
  finding,
  page = null,
  more,
}: {
  name: string;
  finding: Finding;
  page?: string | null;
  more?: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  const say = useSaying();
  const help = HELP[name];
  const good = finding.state === "ok";
  return (
    <li className={`ad-check-line ad-check-line_${finding.state}`}>
      <Symbol name={ICONS[finding.state]} className="ad-check-line__icon" />
      <span className="slds-assistive-text">{t(`check.state.${finding.state}`)}</span>
      <div className="ad-check-line__words">
        <div className="ad-strong">{t(`check.${name}`)}</div>
        <div className="ad-weak">{say(name, finding)}</div>
        {more}
      </div>
      <div className="ad-check-line__acts">
        {!good && page !== null && <Link to={page}>{t("check.mend")}</Link>}
        {!good && help !== undefined && (
          <Link to={`/portal/help/${help}`} aria-label={t("check.help_about", { about: t(`check.${name}`) })}>
            {t("check.help")}
          </Link>
        )}
      </div>
    </li>
  );
}
