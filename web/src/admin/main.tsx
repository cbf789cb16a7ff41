import "virtual:slds/admin.css";
import "../ui/ui.css";
import "./admin.css";
import type { i18n } from "i18next";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { I18nextProvider, useTranslation } from "react-i18next";
import { Problem } from "../data/http.ts";
import {
  currentSession,
  may,
  type PortalSession,
  type Right,
  signOut,
  signOutEverywhere,
} from "../data/session.ts";
import { Button, EmptyState, Modal } from "../ui/controls.tsx";
import { createI18n, languageOf } from "../ui/i18n.ts";
import { LiveProvider, SessionEnded } from "./live.tsx";
import { AccountPage } from "./pages/Account.tsx";
import { ApiReferencePage } from "./pages/ApiReference.tsx";
import { CallbarSignIn } from "./pages/CallbarSignIn.tsx";
import { AddedAppsPage } from "./pages/AddedApps.tsx";
import { AddConnectionPage, ConnectionPage } from "./pages/Connection.tsx";
import { ConnectionsPage } from "./pages/Connections.tsx";
import { ConsentPage } from "./pages/Consent.tsx";
import { DeveloperAppsPage } from "./pages/DeveloperApps.tsx";
import { EngagementPage } from "./pages/Engagement.tsx";
import { EngagementsPage } from "./pages/Engagements.tsx";
import { ForgottenPage } from "./pages/Forgotten.tsx";
import { HelpPage } from "./pages/Help.tsx";
import { HomePage } from "./pages/Home.tsx";
import { LivePage } from "./pages/Live.tsx";
import { MailboxPage } from "./pages/Mailbox.tsx";
import { PasswordPage } from "./pages/Password.tsx";
import { ProblemsBanner, ProblemsPage, useProblems } from "./pages/Problems.tsx";
import { SecurityPage } from "./pages/Security.tsx";
import { SignInPage } from "./pages/SignIn.tsx";
import { StatusesPage } from "./pages/Statuses.tsx";
import { UsersPage } from "./pages/Users.tsx";
import { Link, navigate, safeNext, usePlace } from "./router.tsx";
import { Shell } from "./Shell.tsx";
import { ProblemNotice, TimeZone } from "./words.tsx";

const catalogues = { en: () => import("./locales/en.json"), ja: () => import("./locales/ja.json") };
/** Who is signed in is asked before anything is drawn, and while the words are on their way. */
const asked = currentSession();
asked.catch(() => undefined);

function Root(): ReactNode {
  const [session, setSession] = useState<PortalSession | null | undefined>(undefined);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [words, setWords] = useState<i18n | null>(null);
  useEffect(() => {
    asked.then(setSession, (error: unknown) => {
      setProblem(error instanceof Problem ? error : new Problem("internal_error", 0));
    });
  }, []);
  const known = session !== undefined || problem !== null;
  const language =
    session?.user.language ??
    languageOf(navigator.languages.find((tag) => /^(en|ja)\b/i.test(tag)) ?? navigator.language);
  useEffect(() => {
    if (!known) return;
    let current = true;
    void createI18n(catalogues, language).then((instance) => current && setWords(instance));
    return () => {
      current = false;
    };
  }, [known, language]);
  if (words === null || !known) return null;
  return (
    <I18nextProvider i18n={words}>
      {problem ? (
        <main className="ad-sign-in">
          <div className="ad-sign-in__card">
            <ProblemNotice problem={problem} onRetry={() => location.reload()} />
          </div>
        </main>
      ) : (
        <TimeZone value={session?.account.time_zone ?? ""}>
          <Pages session={session ?? null} onSession={setSession} />
        </TimeZone>
      )}
    </I18nextProvider>
  );
}

/** Pages that need no session. */
const OPEN_PAGES: Record<string, () => ReactNode> = {
  "/portal/forgotten": () => <ForgottenPage />,
  "/portal/mailbox": () => <MailboxPage />,
  "/portal/password": () => <PasswordPage token={location.hash.slice(1)} />,
};

function Pages({
  session,
  onSession,
}: {
  session: PortalSession | null;
  onSession: (session: PortalSession | null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const place = new URL(usePlace(), location.origin);
  const path = place.pathname;
  const query = place.searchParams;
  const signingIn = path === "/sign-in";
  const leave = useCallback(async () => {
    await signOut().catch(() => undefined);
    onSession(null);
    navigate("/sign-in");
  }, [onSession]);
  const [everywhere, setEverywhere] = useState<"asking" | "working" | Problem | null>(null);
  const leaveEverywhere = async () => {
    setEverywhere("working");
    try {
      await signOutEverywhere();
    } catch (error) {
      // Signed out is what was wanted.
      if (!(error instanceof Problem && error.status === 401)) {
        setEverywhere(error instanceof Problem ? error : new Problem("internal_error", 0));
        return;
      }
    }
    setEverywhere(null);
    onSession(null);
    navigate("/sign-in");
  };
  const ended = useCallback(() => onSession(null), [onSession]);
  // The account wants a second step of this user: until it is there, nothing else is open.
  const missing = session?.user.second_step === "missing";
  const sees = (right: Right) => may(session, right);
  const home = sees("live") ? "/portal/live" : "/portal/engagements";
  const open = OPEN_PAGES[path];
  const outside = path !== "/callbar/sign-in" && !open;
  useEffect(() => {
    if (!outside) return;
    if (session && signingIn) {
      const next = safeNext(query.get("next"), location.origin, home);
      // Pages of other entries are the server's.
      if (next.startsWith("/portal")) navigate(next, { replace: true });
      else location.replace(next);
    } else if (!session && !signingIn)
      navigate(`/sign-in?next=${encodeURIComponent(path + place.search)}`, { replace: true });
    else if (
      session &&
      (path === "/portal" || path === "/portal/" || (path === "/portal/live" && !sees("live")))
    )
      navigate(home, { replace: true });
  });

  if (open) return open();
  if (!outside) return <CallbarSignIn query={query} session={session} onSession={onSession} />;
  if (!session) return signingIn ? <SignInPage onSignedIn={onSession} /> : null;
  if (signingIn) return null;
  if (missing)
    return (
      <main className="ad-mailbox">
        <SecurityPage onSession={onSession} />
        <Button onClick={() => void leave()}>{t("user.sign_out")}</Button>
      </main>
    );
  if (path === "/oauth/authorize")
    return <ConsentPage query={place.search.slice(1)} session={session} onSession={onSession} />;
  const detail = /^\/portal\/engagements\/([^/]+)$/.exec(path);
  const connection = /^\/portal\/connections\/([^/]+)$/.exec(path);
  let page: ReactNode;
  if (path === "/portal/live" && sees("live")) page = <LivePage />;
  else if (path === "/portal/home" && sees("home")) page = <HomePage />;
  else if (/^\/portal\/help(\/|$)/.test(path)) page = <HelpPage topic={path.split("/")[3] ?? null} />;
  else if (path === "/portal/problems" && sees("home")) page = <Troubles path={path} />;
  else if (path === "/portal/connections" && sees("connections")) page = <ConnectionsPage query={query} />;
  else if (path === "/portal/connections/new" && sees("connections")) page = <AddConnectionPage />;
  else if (connection?.[1] && sees("connections"))
    page = <ConnectionPage key={connection[1]} id={decodeURIComponent(connection[1])} />;
  else if (path === "/portal/users" && sees("users")) page = <UsersPage session={session} query={query} />;
  else if (path === "/portal/added-apps" && sees("apps")) page = <AddedAppsPage />;
  else if (path === "/portal/developer-apps" && sees("apps")) page = <DeveloperAppsPage />;
  else if (path === "/portal/developer-apps/api" && sees("apps")) page = <ApiReferencePage />;
  else if (path === "/portal/statuses" && sees("statuses")) page = <StatusesPage />;
  else if (path === "/portal/account" && sees("account")) page = <AccountPage />;
  else if (path === "/portal/security") page = <SecurityPage onSession={onSession} />;
  else if (path === "/portal/engagements")
    page = <EngagementsPage query={query} manager={sees("all_engagements")} />;
  else if (detail?.[1]) page = <EngagementPage id={decodeURIComponent(detail[1])} />;
  else
    page = (
      <EmptyState
        icon="utility:search"
        title={t("not_found.title")}
        action={<Link to={home}>{t("not_found.home")}</Link>}
      >
        {t("not_found.explain")}
      </EmptyState>
    );
  return (
    <SessionEnded value={ended}>
      <LiveProvider always={sees("all_engagements")} records={path.startsWith("/portal/engagements")}>
        <Shell
          session={session}
          path={path}
          onSignOut={() => void leave()}
          onSignOutEverywhere={() => setEverywhere("asking")}
        >
          {sees("home") && path !== "/portal/problems" && <Troubles path={path} />}
          {page}
        </Shell>
        {everywhere !== null && (
          <Modal
            title={t("everywhere.title")}
            closeLabel={t("close")}
            size="small"
            onClose={() => setEverywhere(null)}
            footer={
              <>
                <Button onClick={() => setEverywhere(null)}>{t("cancel")}</Button>
                <Button
                  variant="brand"
                  disabled={everywhere === "working"}
                  onClick={() => void leaveEverywhere()}
                >
                  {t("everywhere.button")}
                </Button>
              </>
            }
          >
            <p>{t("everywhere.explain")}</p>
            {everywhere instanceof Problem && <ProblemNotice problem={everywhere} />}
          </Modal>
        )}
      </LiveProvider>
    </SessionEnded>
  );
}

/** The page of problems, or the banner that leads there from every other page. */
function Troubles({ path }: { path: string }): ReactNode {
  const reading = useProblems();
  if (path === "/portal/problems") return <ProblemsPage reading={reading} />;
  return reading.value && <ProblemsBanner problems={reading.value} />;
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<Root />);
