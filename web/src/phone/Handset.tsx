/** What both telephones share: the frame with the language switch, and the screen of a call that is on. */
import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice } from "../ui/controls.tsx";
import { formatDuration } from "../ui/format.ts";
import { Symbol } from "../ui/Icon.tsx";
import { Keypad } from "../ui/Keypad.tsx";
import type { Language } from "../ui/i18n.ts";
import { useNow } from "../ui/time.ts";
import type { CallStage, CallState, PhoneCall } from "./call.ts";

export const useCall = (call: PhoneCall): CallState => useSyncExternalStore(call.subscribe, () => call.state);

const SHOWN_KEYS = 24;

export interface LanguageChoice {
  language: Language;
  onLanguage: (language: Language) => void;
}

export function Frame({
  title,
  explain,
  language,
  onLanguage,
  children,
}: LanguageChoice & { title: string; explain: string; children: ReactNode }): ReactNode {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <main className="ph">
      <div className="ph-languages" role="group" aria-label={t("language.choose")}>
        {(["en", "ja"] as const).map((each) => (
          <button
            key={each}
            type="button"
            lang={each}
            className="ph-language"
            aria-pressed={language === each}
            onClick={() => onLanguage(each)}
          >
            {each === "en" ? t("language.en") : t("language.ja")}
          </button>
        ))}
      </div>
      <div className="ph-card">
        <header className="ph-head">
          <span className="ph-mark">
            <Symbol name="utility:call" className="ph-mark__icon" />
          </span>
          <div>
            <h1 className="ph-title">{title}</h1>
            <p className="ph-explain">{explain}</p>
          </div>
        </header>
        {children}
      </div>
    </main>
  );
}

/** The call while it is on. `other` is who is called, as the caller knows it. */
export function OnCall({
  call,
  other,
  from,
}: {
  call: PhoneCall;
  other: string;
  from: string | null;
}): ReactNode {
  const { t } = useTranslation();
  const { stage, muted, digits, lineLost } = useCall(call);
  const [keypad, setKeypad] = useState(false);
  const [typed, setTyped] = useState("");
  const talking = stage.kind === "talking" || stage.kind === "held";
  const counting = stage.kind === "waiting" || stage.kind === "talking" || stage.kind === "held";
  const now = useNow(1000);
  return (
    <div className="ph-call">
      <div className={`ph-pulse ph-pulse_${stage.kind}`}>
        <Symbol name={stage.kind === "held" ? "utility:pause" : "utility:call"} className="ph-pulse__icon" />
      </div>
      <p className="ph-call__state" role="status">
        {t(`state.${stage.kind}`)}
      </p>
      <p className="ph-call__time">{counting ? formatDuration((now - stage.since) / 1000) : "\u00a0"}</p>
      <p className="ph-call__other">{other}</p>
      {from && <p className="ph-call__from">{from}</p>}
      <p className="ph-call__hint" role="status">
        {t(lineLost ? "hint.line_lost" : `hint.${stage.kind}`)}
      </p>
      <div role="status">
        {digits !== "" && (
          <p className="ph-keys">
            {t("keys.received")} <strong>{digits}</strong>
          </p>
        )}
      </div>
      {keypad && talking && (
        <div className="ph-pad">
          <p className="ph-pad__typed">{typed === "" ? t("keypad.hint") : typed}</p>
          <Keypad
            label={t("keypad.title")}
            starLabel={t("keypad.star")}
            poundLabel={t("keypad.pound")}
            typing
            onKey={(key) => {
              setTyped((before) => (before + key).slice(-SHOWN_KEYS));
              call.press(key);
            }}
          />
        </div>
      )}
      <div className="ph-call__buttons">
        <button
          type="button"
          className={`ph-round ${muted ? "ph-round_on" : ""}`}
          aria-pressed={muted}
          disabled={stage.kind === "microphone"}
          onClick={() => call.mute(!muted)}
        >
          <span className="ph-round__disc">
            <Symbol name={muted ? "utility:muted" : "utility:unmuted"} className="ph-round__icon" />
          </span>
          {t("action.mute")}
        </button>
        <button
          type="button"
          className="ph-round"
          aria-expanded={keypad}
          disabled={!talking}
          onClick={() => setKeypad(!keypad)}
        >
          <span className="ph-round__disc">
            <Symbol name="utility:dialing" className="ph-round__icon" />
          </span>
          {t("action.keypad")}
        </button>
        <button type="button" className="ph-round ph-round_end" onClick={() => call.hangUp()}>
          <span className="ph-round__disc">
            <Symbol name="utility:end_call" className="ph-round__icon" />
          </span>
          {t("action.hang_up")}
        </button>
      </div>
    </div>
  );
}

/** Somebody calls this telephone. `own` is the number that was called. */
export function Ringing({
  call,
  from,
  own,
}: {
  call: PhoneCall;
  from: string | null;
  own: string;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="ph-call">
      <div className="ph-pulse ph-pulse_waiting">
        <Symbol name="utility:incoming_call" className="ph-pulse__icon" />
      </div>
      <p className="ph-call__state" role="alert">
        {t("state.ringing")}
      </p>
      <p className="ph-call__other">{from ?? t("from.withheld")}</p>
      <p className="ph-call__from">{t("ringing.at", { number: own })}</p>
      <div className="ph-call__buttons">
        <button type="button" className="ph-round ph-round_end" onClick={() => call.decline()}>
          <span className="ph-round__disc">
            <Symbol name="utility:end_call" className="ph-round__icon" />
          </span>
          {t("action.decline")}
        </button>
        <button
          type="button"
          className="ph-round ph-round_answer"
          autoFocus
          onClick={() => void call.answer()}
        >
          <span className="ph-round__disc">
            <Symbol name="utility:call" className="ph-round__icon" />
          </span>
          {t("action.answer")}
        </button>
      </div>
    </div>
  );
}

/** What became of the last call, above the form. */
export function Outcome({ stage }: { stage: CallStage }): ReactNode {
  const { t, i18n } = useTranslation();
  switch (stage.kind) {
    case "ended": {
      const known = i18n.exists(`ended.${stage.cause}`);
      return (
        <div className="ph-outcome">
          <Notice
            variant={
              ["caller_hung_up", "agent_hung_up", "abandoned"].includes(stage.cause) ? "info" : "warning"
            }
          >
            <p>{known ? t(`ended.${stage.cause}`) : t("ended.unknown", { cause: stage.cause })}</p>
            {stage.talkedMs !== null && (
              <p className="ph-weak">{t("ended.talked", { time: formatDuration(stage.talkedMs / 1000) })}</p>
            )}
          </Notice>
        </div>
      );
    }
    case "refused": {
      const key = `refused.${stage.code}`;
      return (
        <div className="ph-outcome">
          <Notice variant="error">
            {i18n.exists(key) ? t(key, stage.params) : t("refused.unknown", { code: stage.code })}
          </Notice>
        </div>
      );
    }
    case "microphone_refused":
      return (
        <div className="ph-outcome">
          <Notice variant="error">
            <p>{t(`microphone.${stage.trouble}`)}</p>
            {stage.trouble === "denied" && <p>{t("microphone.denied.how")}</p>}
          </Notice>
        </div>
      );
    default:
      return null;
  }
}

export function CallButton({ disabled = false, label }: { disabled?: boolean; label: string }): ReactNode {
  return (
    <Button type="submit" variant="brand" icon="utility:call" className="ph-dial" disabled={disabled}>
      {label}
    </Button>
  );
}
