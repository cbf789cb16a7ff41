/** Entry of the console: session and words first, then the page; the rest comes while it is already shown. */
import "virtual:slds/console.css";
import "../ui/ui.css";
import "./console.css";
import { createRoot } from "react-dom/client";
import { I18nextProvider } from "react-i18next";
import { createI18n, languageOf } from "../ui/i18n.ts";
import { startPanel } from "./cti/panel.ts";
import { ApiError } from "./data/client.ts";
import { setPageLabels } from "./data/labels.ts";
import { startApps } from "./data/apps.ts";
import { startLive } from "./data/live.ts";
import { describe } from "./data/records.ts";
import { language, loadObjects, startSession } from "./data/session.ts";
import { place, startRouter } from "./router.ts";
import { App } from "./shell/App.tsx";
import { preloadPage, preloadRest } from "./shell/pages.tsx";
import { startWorkspace } from "./shell/workspace.ts";

const catalogues = { en: () => import("./locales/en.json"), ja: () => import("./locales/ja.json") };

/** Describes worth having before somebody needs them. */
const FIRST = ["Contact", "Task", "Account", "Lead"];

async function start(): Promise<void> {
  const root = document.getElementById("root");
  if (root === null) return;
  let bootstrap;
  try {
    bootstrap = await startSession();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      // The server leads a navigation without a session to its sign-in page.
      window.location.replace("/");
      return;
    }
    const i18n = await createI18n(catalogues, languageOf(navigator.language));
    const message = document.createElement("p");
    message.className = "console-broken";
    message.setAttribute("role", "alert");
    message.textContent = i18n.t("app.unreachable");
    root.replaceChildren(message);
    window.setTimeout(() => window.location.reload(), 5_000);
    return;
  }
  const words = createI18n(catalogues, language()).then((i18n) => {
    setPageLabels((object, field) => {
      const key = `field.${object}.${field}`;
      return i18n.exists(key) ? i18n.t(key) : null;
    });
    return i18n;
  });
  startApps();
  startWorkspace();
  startRouter();
  loadObjects();
  const [i18n] = await Promise.all([words, preloadPage(place.get().route).catch(() => undefined)]);
  startPanel(
    bootstrap.utility_items.find((item) => item.type === "softphone"),
    i18n.t("utility.phone"),
  );
  createRoot(root).render(
    <I18nextProvider i18n={i18n}>
      <App />
    </I18nextProvider>,
  );
  startLive();
  window.setTimeout(() => {
    preloadRest();
    for (const object of FIRST) void describe(object).catch(() => undefined);
  }, 300);
}

void start();
