/** The callbar's one page: which of its faces shows, and what the host and a screen reader are told. */
import type { i18n } from "i18next";
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { I18nextProvider, useTranslation } from "react-i18next";
import { Spinner } from "../../ui/controls.tsx";
import type { Language } from "../../ui/i18n.ts";
import type { Callbar } from "../controller.ts";
import { callerOf, foremost } from "../model.ts";
import { Panel } from "./Panel.tsx";
import { SignInView } from "./SignIn.tsx";

export function App({
  callbar,
  words,
}: {
  callbar: Callbar;
  words: (language: Language) => Promise<i18n>;
}): ReactNode {
  const { language } = useSyncExternalStore(callbar.subscribe, () => callbar.state);
  const [i18n, setI18n] = useState<i18n | null>(null);
  useEffect(() => {
    let current = true;
    void words(language).then((instance) => current && setI18n(instance));
    return () => {
      current = false;
    };
  }, [language, words]);
  if (i18n === null) return null;
  return (
    <I18nextProvider i18n={i18n}>
      <Face callbar={callbar} />
    </I18nextProvider>
  );
}

/** A name as long as the utility bar has room for. */
const LABEL_LENGTH = 24;

const shortened = (name: string): string =>
  [...name].length <= LABEL_LENGTH ? name : `${[...name].slice(0, LABEL_LENGTH - 1).join("")}…`;

function Face({ callbar }: { callbar: Callbar }): ReactNode {
  const state = useSyncExternalStore(callbar.subscribe, () => callbar.state);
  const { t } = useTranslation();
  const { model } = state;
  const first = foremost(model);
  const name = first ? (callerOf(first) ?? t("caller.withheld")) : "";

  let label = t("item.idle");
  let icon = "call";
  if (model.link === "sign_in") label = t("item.sign_in");
  else if (first?.state === "offered") {
    label = t("item.incoming", { name: shortened(name) });
    icon = "incoming_call";
  } else if (first?.state === "dialing") {
    label = t("item.dialing", { name: shortened(name) });
    icon = "outbound_call";
  } else if (first?.state === "wrap_up") {
    label = t("item.wrap_up");
    icon = "log_a_call";
  } else if (first) {
    label = first.held
      ? t("item.held", { name: shortened(name) })
      : t("item.talking", { name: shortened(name) });
    icon = first.held ? "paused_call" : "call";
  }
  useEffect(() => callbar.look({ label, icon }), [callbar, label, icon]);
  useEffect(() => {
    document.title = t("page.title");
  }, [t]);

  let spoken = "";
  if (first?.state === "offered") spoken = t("spoken.incoming", { name, queue: first.queue.name });
  else if (first?.state === "dialing") spoken = t("spoken.dialing", { name });
  else if (first?.state === "connected") spoken = t(first.held ? "spoken.held" : "spoken.talking", { name });
  else if (first?.state === "wrap_up") spoken = t("spoken.wrap_up", { name });

  let face: ReactNode;
  switch (model.link) {
    case "sign_in":
      face = <SignInView callbar={callbar} state={state} />;
      break;
    default:
      face =
        model.snapshot === null ? (
          <div className="cb-wait">
            <Spinner label={t("link.connecting")} />
            {model.link === "lost" && (
              <p className="cb-wait__words" role="status">
                {t("link.unreachable")}
              </p>
            )}
          </div>
        ) : (
          <Panel callbar={callbar} state={state} snapshot={model.snapshot} />
        );
  }
  return (
    <main className="cb">
      <h1 className="slds-assistive-text">{t("page.title")}</h1>
      {face}
      <div className="slds-assistive-text" role="status" aria-live="assertive">
        {spoken}
      </div>
    </main>
  );
}
