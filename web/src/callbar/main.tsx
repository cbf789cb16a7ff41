import "virtual:slds/callbar.css";
import "../ui/ui.css";
import "./callbar.css";
import { createRoot } from "react-dom/client";
import { I18nextProvider } from "react-i18next";
import {
  type CallbarSession,
  closeCallbar,
  collectCallbar,
  grantCallbar,
  openCallbar,
  renewCallbar,
  resumeCallbar,
} from "../data/callbar_session.ts";
import { CallbarLine } from "../data/callbar_socket.ts";
import { claimSeat } from "../data/seat.ts";
import { currentSession } from "../data/session.ts";
import { microphonePermission, openMicrophone } from "../data/rtc.ts";
import { OpenCtiHost } from "../hosts/opencti.ts";
import { StandaloneHost } from "../hosts/standalone.ts";
import { pageConfig } from "../ui/config.ts";
import { createI18n, type Language, languageOf } from "../ui/i18n.ts";
import { Audio } from "./audio.ts";
import { Callbar } from "./controller.ts";
import en from "./locales/en.json";
import ja from "./locales/ja.json";
import { Ring } from "../ui/ring.ts";
import { newChallenge } from "./sign_in.ts";
import { App } from "./views/App.tsx";
import { NotConnectedView } from "./views/SignIn.tsx";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

const config = pageConfig();
const hostOrigin = text(config["host_origin"]);
const openCtiUrl = text(config["opencti_url"]);

// Both languages together weigh less than a round trip: the user's is known only after the session.
const catalogues = {
  en: () => Promise.resolve({ default: en }),
  ja: () => Promise.resolve({ default: ja }),
};
const words = (language: Language) => createI18n(catalogues, language);
/** No page around us: opened in a window of its own. */
const alone = window.parent === window;
const TAKE_OVER = "#take-over";
/** This window was opened from another callbar; a reload of it is no second opening. */
const opened = alone && location.hash === TAKE_OVER;
if (opened) history.replaceState(null, "", location.pathname + location.search);

/** The page of this callbar again, as a window that takes the phone over. */
function popOut(): void {
  const query = new URLSearchParams({ sfdcIframeOrigin: hostOrigin });
  window.open(`${location.pathname}?${query}${TAKE_OVER}`, "tieline-callbar", "popup,width=400,height=640");
}

/** The session of before; a window just opened makes one of the portal's session, which it may see. */
async function resume(connectionId: string): Promise<CallbarSession | null> {
  const session = await resumeCallbar(connectionId);
  if (session !== null || !opened) return session;
  try {
    if ((await currentSession()) === null) return null;
    const { secret, challenge } = await newChallenge();
    const { code } = await grantCallbar(challenge, connectionId, hostOrigin);
    return await openCallbar(connectionId, code, secret);
  } catch {
    // The agent signs in by hand, and hears there what is wrong.
    return null;
  }
}

const root = createRoot(document.getElementById("root")!);

function start(): void {
  const speaker = document.createElement("audio");
  speaker.autoplay = true;
  document.body.append(speaker);

  const callbar = new Callbar({
    config: { connection_id: text(config["connection_id"]), host_origin: hostOrigin },
    host:
      alone || openCtiUrl === "" ? new StandaloneHost(hostOrigin) : OpenCtiHost.load(openCtiUrl, hostOrigin),
    line: (handlers) => new CallbarLine(handlers),
    audio: ({ exchange, changed }) =>
      new Audio({
        createPeer: () => new RTCPeerConnection(),
        openMicrophone,
        permission: microphonePermission,
        exchange,
        play: (stream) => {
          speaker.srcObject = stream;
          // Refused until the user has clicked; the click that wakes the ring starts it as well.
          if (stream) void speaker.play().catch(() => undefined);
        },
        changed,
      }),
    ring: (changed) => new Ring(changed),
    sessions: {
      resume,
      open: openCallbar,
      collect: collectCallbar,
      renew: renewCallbar,
      close: closeCallbar,
    },
    ...(alone ? {} : { popOut }),
    takeOver: opened ? microphonePermission().then((state) => state === "granted") : Promise.resolve(false),
    challenge: newChallenge,
    seat: () => claimSeat(),
    language: languageOf(navigator.language),
  });
  void callbar.start();

  addEventListener("pagehide", () => callbar.leaving());
  addEventListener("online", () => callbar.online());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") callbar.online();
  });
  addEventListener("pointerdown", () => {
    callbar.wakeSound();
    if (speaker.srcObject && speaker.paused) void speaker.play().catch(() => undefined);
  });

  root.render(<App callbar={callbar} words={words} />);
}

if (config["not_connected"] === true)
  void words(languageOf(navigator.language)).then((i18n) =>
    root.render(
      <I18nextProvider i18n={i18n}>
        <NotConnectedView origin={text(config["asked_by"]) || null} />
      </I18nextProvider>,
    ),
  );
else start();
