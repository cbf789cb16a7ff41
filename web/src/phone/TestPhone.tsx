/** Any telephone of the world, on this page: choose who calls, call a queue's number, speak. */
import { type FormEvent, type ReactNode, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState, Spinner } from "../ui/controls.tsx";
import { Problem } from "../data/http.ts";
import { type PhoneOffer, readPhone } from "../data/phone.ts";
import type { PhoneCall } from "./call.ts";
import { CallButton, Frame, type LanguageChoice, OnCall, Outcome, Ringing, useCall } from "./Handset.tsx";

type From = { kind: "offered"; value: string } | { kind: "typed" } | { kind: "withheld" };

const LISTEN_PAUSE_MS = 600;

export function TestPhone({ call, ...choice }: LanguageChoice & { call: PhoneCall }): ReactNode {
  const { t } = useTranslation();
  const [offer, setOffer] = useState<PhoneOffer | { problem: string } | null>(null);
  useEffect(() => {
    readPhone().then(setOffer, (error: unknown) => {
      setOffer({ problem: error instanceof Problem ? error.code : "unreachable" });
    });
  }, []);
  let body: ReactNode;
  if (offer === null)
    body = (
      <div className="ph-wait">
        <Spinner label={t("loading")} />
      </div>
    );
  else if ("problem" in offer)
    body = (
      <EmptyState
        icon="utility:offline"
        title={t(offer.problem === "test_phone_disabled" ? "disabled.title" : "unreachable.title")}
      >
        {t(offer.problem === "test_phone_disabled" ? "disabled.explain" : "unreachable.explain")}
      </EmptyState>
    );
  else body = <Dialer call={call} offer={offer} language={choice.language} />;
  return (
    <Frame title={t("test.title")} explain={t("test.explain")} {...choice}>
      {body}
    </Frame>
  );
}

function Dialer({
  call,
  offer,
  language,
}: {
  call: PhoneCall;
  offer: PhoneOffer;
  language: "en" | "ja";
}): ReactNode {
  const { t } = useTranslation();
  const { stage, listening, inbound } = useCall(call);
  const [caller, setCaller] = useState<string | null>(null);
  const [answers, setAnswers] = useState(false);
  const typedId = useId();
  const first = offer.numbers[0];
  const [from, setFrom] = useState<From>(first ? { kind: "offered", value: first.value } : { kind: "typed" });
  const [typed, setTyped] = useState("");
  const targets = offer.queues.flatMap((queue) =>
    queue.numbers.map((number) => ({ queue: queue.name, ...number })),
  );
  const [to, setTo] = useState(targets[0]?.e164 ?? "");
  const target = targets.find((each) => each.e164 === to);

  const fromNumber = from.kind === "offered" ? from.value : from.kind === "typed" ? typed.trim() : null;
  // Switched off by the server, which did not take the number.
  if (answers && listening.kind === "off" && stage.kind === "refused") setAnswers(false);
  const own = answers && fromNumber ? fromNumber : null;
  useEffect(() => {
    // A number that is being typed is not one yet.
    const timer = setTimeout(() => call.listen(own), from.kind === "typed" ? LISTEN_PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [call, own, from.kind]);

  if (stage.kind === "ringing" && caller !== stage.from) setCaller(stage.from);
  const ownDisplay = listening.kind === "on" ? listening.display : (fromNumber ?? "");
  if (stage.kind === "ringing") return <Ringing call={call} from={stage.from} own={ownDisplay} />;
  if (call.active && inbound)
    return (
      <OnCall
        call={call}
        other={caller ?? t("from.withheld")}
        from={t("ringing.at", { number: ownDisplay })}
      />
    );
  if (call.active)
    return (
      <OnCall
        call={call}
        other={target ? t("call.to", { number: target.display, queue: target.queue }) : to}
        from={t("call.from", { number: fromNumber ?? t("from.withheld") })}
      />
    );

  if (targets.length === 0)
    return (
      <EmptyState icon="utility:people" title={t("no_queue.title")}>
        {t("no_queue.explain")}
      </EmptyState>
    );

  const submit = (event: FormEvent) => {
    event.preventDefault();
    void call.call({ to, queue: null, from: fromNumber, claimed_name: null });
  };
  return (
    <form className="ph-form" onSubmit={submit}>
      <Outcome stage={stage} />
      <fieldset className="ph-group">
        <legend className="ph-legend">{t("from.title")}</legend>
        {offer.numbers.map((number) => (
          <label key={number.value} className="ph-choice">
            <input
              type="radio"
              name="from"
              checked={from.kind === "offered" && from.value === number.value}
              onChange={() => setFrom({ kind: "offered", value: number.value })}
            />
            <span className="ph-choice__words">
              <span className="ph-choice__number">{number.value}</span>
              <span className="ph-weak">{language === "ja" ? number.label_ja : number.label_en}</span>
            </span>
          </label>
        ))}
        <label className="ph-choice">
          <input
            type="radio"
            name="from"
            checked={from.kind === "typed"}
            onChange={() => {
              setFrom({ kind: "typed" });
              document.getElementById(typedId)?.focus();
            }}
          />
          <span className="ph-choice__words">
            <span>{t("from.typed")}</span>
            <input
              id={typedId}
              className="slds-input ph-typed"
              type="text"
              inputMode="tel"
              autoComplete="off"
              maxLength={60}
              aria-label={t("from.typed_label")}
              placeholder={t("from.typed_hint")}
              value={typed}
              onFocus={() => setFrom({ kind: "typed" })}
              onChange={(event) => setTyped(event.target.value)}
            />
          </span>
        </label>
        <label className="ph-choice">
          <input
            type="radio"
            name="from"
            checked={from.kind === "withheld"}
            onChange={() => setFrom({ kind: "withheld" })}
          />
          <span className="ph-choice__words">{t("from.withheld")}</span>
        </label>
      </fieldset>
      <div className="ph-listen">
        <label className="slds-checkbox_toggle slds-grid ph-listen__switch">
          <span className="ph-listen__words">
            {fromNumber
              ? t("listen.number", { number: listening.kind === "on" ? listening.display : fromNumber })
              : t("listen.none")}
          </span>
          <input
            type="checkbox"
            role="switch"
            checked={own !== null}
            disabled={!fromNumber}
            onChange={(event) => setAnswers(event.target.checked)}
          />
          <span className="slds-checkbox_faux_container" aria-hidden="true">
            <span className="slds-checkbox_faux" />
          </span>
        </label>
        <p className="ph-weak" role="status">
          {own === null ? t("listen.off") : t(listening.kind === "on" ? "listen.on" : "listen.asked")}
        </p>
      </div>
      <fieldset className="ph-group">
        <legend className="ph-legend">{t("to.title")}</legend>
        {targets.map((each) => (
          <label key={each.e164} className="ph-choice">
            <input type="radio" name="to" checked={each.e164 === to} onChange={() => setTo(each.e164)} />
            <span className="ph-choice__words">
              <span className="ph-choice__number">{each.display}</span>
              <span className="ph-weak">{t("to.queue", { queue: each.queue })}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <CallButton label={t("action.call")} disabled={from.kind === "typed" && typed.trim() === ""} />
    </form>
  );
}
