/** The console: header, bar, the page, the utility bar; and what stands above them. */
import { Activity, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal, Toast, ToastContainer } from "../../ui/controls.tsx";
import { sessionEnded } from "../data/client.ts";
import { useApp } from "../data/apps.ts";
import { watchChanges } from "../data/live.ts";
import { refresh, refreshTimeline, watched } from "../data/records.ts";
import { objects, resumeSession, session } from "../data/session.ts";
import { useStore } from "../data/store.ts";
import { Symbol } from "../../ui/Icon.tsx";
import { UtilityBar } from "../cti/UtilityBar.tsx";
import { rowName } from "../record/names.ts";
import { knownRecord } from "../data/records.ts";
import RecordPage from "../record/RecordPage.tsx";
import { GlobalHeader } from "./GlobalHeader.tsx";
import { HotKeys } from "./HotKeys.tsx";
import { Link, Within } from "./Link.tsx";
import { NavigationBar } from "./NavigationBar.tsx";
import {
  BinPage,
  HomePage,
  ListPage,
  NewDialog,
  RelatedPage,
  SearchPage,
  SetupPage,
  SplitView,
  TabPage,
  UnknownPage,
} from "./pages.tsx";
import { splitOpen } from "./split.ts";
import { idsOf, whereIs } from "./tabs.ts";
import { closeToast, toasts } from "./toasts.ts";
import { below, dialogs, isUnsaved, tabs } from "./workspace.ts";
import { Subtabs } from "./WorkspaceTabs.tsx";

export function App(): ReactNode {
  const { t } = useTranslation();
  useFollowChanges();
  useTitle();
  return (
    <div className="console">
      <a className="slds-assistive-text slds-assistive-text_focus" href="#main">
        {t("app.skip")}
      </a>
      <GlobalHeader />
      <NavigationBar />
      <Stage />
      <Utilities />
      <Dialogs />
      <Toasts />
      <SessionEnded />
      <HotKeys />
    </div>
  );
}

/** The utility bar belongs to apps: a window that was opened for Set-up has none until it leaves Set-up. */
function Utilities(): ReactNode {
  const inSetup = useStore(below).page === "setup";
  const [left, setLeft] = useState(!inSetup);
  if (!left && !inSetup) setLeft(true);
  return left ? <UtilityBar /> : null;
}

/** How many record pages stay drawn behind the one in front; those with edits always do. */
const KEPT = 5;

/** Pages that scroll inside of themselves. */
const FULL = new Set(["list", "related", "bin"]);

/** Pages that no split view stands beside. */
const WHOLE = new Set(["list", "setup"]);

function Stage(): ReactNode {
  const route = useStore(below);
  const open = useStore(tabs);
  const app = useApp();
  const split = useStore(splitOpen) && app.nav_type === "Console" && !WHOLE.has(route.page);
  const main = useRef<HTMLElement>(null);
  const [visited, setVisited] = useState<string[]>([]);
  const active = route.page === "record" ? route.id : null;
  const recent = active === null ? visited : [active, ...visited.filter((id) => id !== active)];
  if (active !== null && visited[0] !== active) setVisited(recent);
  const drawn = open.flatMap((tab) =>
    idsOf(tab)
      .filter((id) => {
        const at = recent.indexOf(id);
        return at >= 0 && (at < KEPT || isUnsaved(id));
      })
      .map((id) => ({ id, tab })),
  );
  const full = FULL.has(route.page) ? "list" : route.page;

  useEffect(() => {
    main.current?.scrollTo(0, 0);
  }, [route]);

  return (
    <div className={`console-work ${split ? "console-work_split" : ""}`}>
      {app.nav_type === "Console" && route.page !== "list" && route.page !== "setup" && (
        <Split open={split} />
      )}
      <div className="console-work__front">
        <Subtabs />
        <main id="main" ref={main} tabIndex={-1} className={`console-stage console-stage_${full}`}>
          {drawn.map(({ id, tab }) => (
            <Activity key={id} mode={id === active ? "visible" : "hidden"}>
              <Within value={tab}>
                <RecordPage id={id} object={whereIs([tab], id)?.subtab?.object ?? tab.object} />
              </Within>
            </Activity>
          ))}
          <Suspense fallback={null}>
            {route.page === "home" && <HomePage />}
            {route.page === "list" && (
              <ListPage key={`${route.object} ${route.filter}`} object={route.object} filter={route.filter} />
            )}
            {route.page === "related" && (
              <RelatedPage key={`${route.id} ${route.name}`} id={route.id} name={route.name} />
            )}
            {route.page === "bin" && <BinPage />}
            {route.page === "search" && (
              <SearchPage key={route.text} text={route.text} object={route.object ?? ""} />
            )}
            {route.page === "setup" && <SetupPage node={route.node} rest={route.rest} />}
            {route.page === "tab" && <TabPage key={route.name} name={route.name} />}
            {route.page === "unknown" && <UnknownPage path={route.path} />}
          </Suspense>
        </main>
      </div>
    </div>
  );
}

/** The list at the left, and the button that shows and hides it. */
function Split({ open }: { open: boolean }): ReactNode {
  const { t } = useTranslation();
  return (
    <section
      className={`slds-split-view_container console-split ${open ? "slds-is-open" : "slds-is-closed"}`}
      aria-label={t("split.name")}
    >
      <button
        type="button"
        className={`slds-button slds-button_icon slds-split-view__toggle-button ${open ? "slds-is-open" : "slds-is-closed"}`}
        aria-expanded={open}
        title={t(open ? "split.close" : "split.open")}
        aria-label={t(open ? "split.close" : "split.open")}
        onClick={() => splitOpen.set(!open)}
      >
        <Symbol name="utility:left" className="slds-button__icon slds-button__icon_x-small" />
      </button>
      {open && (
        <Suspense fallback={null}>
          <SplitView />
        </Suspense>
      )}
    </section>
  );
}

function Dialogs(): ReactNode {
  return (
    <Suspense fallback={null}>
      {useStore(dialogs).map((dialog) => (
        <NewDialog key={dialog.key} dialog={dialog} />
      ))}
    </Suspense>
  );
}

function Toasts(): ReactNode {
  const { t } = useTranslation();
  return (
    <ToastContainer>
      {useStore(toasts).map((message) => {
        const { link } = message;
        const at = link === undefined ? -1 : message.text.indexOf(link.label);
        return (
          <Toast
            key={message.key}
            variant={message.variant}
            variantLabel={t(`toast.${message.variant}`)}
            closeLabel={t("form.close")}
            onClose={() => closeToast(message.key)}
          >
            {message.action !== undefined ? (
              <>
                {message.text}{" "}
                <button
                  type="button"
                  className="slds-button slds-text-link console-toast__action"
                  onClick={() => {
                    closeToast(message.key);
                    message.action?.run();
                  }}
                >
                  {message.action.label}
                </button>
              </>
            ) : link === undefined || at < 0 ? (
              message.text
            ) : (
              <>
                {message.text.slice(0, at)}
                <Link to={link.path}>{link.label}</Link>
                {message.text.slice(at + link.label.length)}
              </>
            )}
          </Toast>
        );
      })}
    </ToastContainer>
  );
}

/** The session has ended: sign in again beside this page, and nothing typed here is lost. */
function SessionEnded(): ReactNode {
  const { t } = useTranslation();
  const ended = useStore(sessionEnded);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (!ended) return;
    const again = () => void resumeSession();
    window.addEventListener("focus", again);
    return () => window.removeEventListener("focus", again);
  }, [ended]);
  if (!ended) return null;
  const go = () => void resumeSession().then((resumed) => setFailed(!resumed));
  return (
    <Modal
      title={t("session.ended")}
      closeLabel={t("form.close")}
      onClose={go}
      size="small"
      footer={
        <>
          <Button onClick={go}>{t("session.continue")}</Button>
          <a
            className="slds-button slds-button_brand"
            href="/lightning/page/home"
            target="_blank"
            rel="noreferrer"
          >
            {t("session.signIn")}
          </a>
        </>
      }
    >
      <p>{t("session.ended.hint")}</p>
      {failed && <p className="slds-text-color_error slds-m-top_small">{t("session.still")}</p>}
    </Modal>
  );
}

/** Records that are open are asked for again when they change elsewhere. */
function useFollowChanges(): void {
  useEffect(
    () =>
      watchChanges((change) => {
        const shown = below.get();
        if (change === null) {
          if (shown.page === "record") void refresh(shown.id);
          return;
        }
        if (!watched().includes(change.id)) return;
        if (change.kind === "activity") refreshTimeline(change.id);
        else if (shown.page === "record" && shown.id === change.id) void refresh(change.id);
      }),
    [],
  );
}

/** The window's title says what is in front, the record first, so that the browser's own tabs can be told apart. */
function useTitle(): void {
  const { t } = useTranslation();
  const route = useStore(below);
  const open = useStore(tabs);
  const known = useStore(objects);
  const app = useApp();
  useEffect(() => {
    const name = (): string => {
      switch (route.page) {
        case "record": {
          const record = knownRecord(route.id);
          const title = record === null ? titleOf(whereIs(open, route.id)) : rowName(record.record);
          return title;
        }
        case "list":
          return (
            known.get(route.object)?.labelPlural ?? t(`nav.${route.object}`, { defaultValue: route.object })
          );
        case "related":
          return t("record.related");
        case "bin":
          return t("bin.title");
        case "search":
          return t("search.for", { text: route.text });
        case "setup":
          return t("setup.app");
        case "tab":
          return session().tabs.find((each) => each.name === route.name)?.label ?? t("unknown.title");
        case "unknown":
          return t("unknown.title");
        default:
          return t("nav.home");
      }
    };
    document.title = [name(), app.label].filter((part) => part !== "").join(" | ");
  }, [route, open, known, app, t]);
}

const titleOf = (at: ReturnType<typeof whereIs>): string => (at?.subtab ?? at?.tab)?.title ?? "";
