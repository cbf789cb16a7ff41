import "virtual:slds/phone.css";
import "../ui/ui.css";
import "./phone.css";
import type { i18n } from "i18next";
import { type ReactNode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { I18nextProvider } from "react-i18next";
import { pageConfig } from "../ui/config.ts";
import { Ring } from "../ui/ring.ts";
import { createI18n, type Language, languageOf } from "../ui/i18n.ts";
import { PhoneCall } from "./call.ts";
import { TestPhone } from "./TestPhone.tsx";
import { VisitorPhone } from "./VisitorPhone.tsx";

const catalogues = { en: () => import("./locales/en.json"), ja: () => import("./locales/ja.json") };
const REMEMBERED = "tieline.phone.language";

const speaker = document.createElement("audio");
speaker.autoplay = true;
document.body.append(speaker);

const ring = new Ring(() => undefined);
const call = new PhoneCall({
  play: (stream) => {
    speaker.srcObject = stream;
    if (stream) void speaker.play().catch(() => undefined);
  },
  ring,
});
addEventListener("pagehide", () => call.leave());

/** The language chosen here before, else the first of the browser's that we speak. */
function firstLanguage(): Language {
  try {
    const remembered = localStorage.getItem(REMEMBERED);
    if (remembered) return languageOf(remembered);
  } catch {
    // Storage may be switched off: the browser's language it is.
  }
  const spoken = navigator.languages.find((tag) => /^(en|ja)\b/i.test(tag));
  return languageOf(spoken ?? navigator.language);
}

function Page(): ReactNode {
  const [language, setLanguage] = useState(firstLanguage);
  const [i18n, setI18n] = useState<i18n | null>(null);
  useEffect(() => {
    void createI18n(catalogues, language).then(setI18n);
  }, [language]);
  if (i18n === null) return null;
  const choose = (chosen: Language) => {
    setLanguage(chosen);
    try {
      localStorage.setItem(REMEMBERED, chosen);
    } catch {
      // Then it is chosen for this visit only.
    }
  };
  const config = pageConfig();
  const queue = typeof config["queue"] === "string" ? config["queue"] : "";
  return (
    <I18nextProvider i18n={i18n}>
      {config["mode"] === "visitor" ? (
        <VisitorPhone call={call} queue={queue} language={language} onLanguage={choose} />
      ) : (
        <TestPhone call={call} language={language} onLanguage={choose} />
      )}
    </I18nextProvider>
  );
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<Page />);
