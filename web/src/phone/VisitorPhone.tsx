/** The call as a website's visitor makes it: no number needed, a name if they like. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { EmptyState, FormElement, Spinner } from "../ui/controls.tsx";
import { Problem } from "../data/http.ts";
import { type CallTarget, readCallTarget } from "../data/phone.ts";
import type { PhoneCall } from "./call.ts";
import { CallButton, Frame, type LanguageChoice, OnCall, Outcome, useCall } from "./Handset.tsx";

export function VisitorPhone({
  call,
  queue,
  ...choice
}: LanguageChoice & { call: PhoneCall; queue: string }): ReactNode {
  const { t } = useTranslation();
  const { stage } = useCall(call);
  const [target, setTarget] = useState<CallTarget | { problem: string } | null>(null);
  const [name, setName] = useState("");
  const [number, setNumber] = useState("");
  useEffect(() => {
    readCallTarget(queue).then(setTarget, (error: unknown) => {
      setTarget({ problem: error instanceof Problem && error.status === 404 ? "not_found" : "unreachable" });
    });
  }, [queue]);

  if (target === null)
    return (
      <div className="ph-wait">
        <Spinner label={t("loading")} />
      </div>
    );
  if ("problem" in target)
    return (
      <Frame title={t("visitor.page")} explain="" {...choice}>
        <EmptyState icon="utility:offline" title={t(`visitor.${target.problem}.title`)}>
          {t(`visitor.${target.problem}.explain`)}
        </EmptyState>
      </Frame>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void call.call({ to: null, queue, from: number.trim() || null, claimed_name: name.trim() || null });
  };
  return (
    <Frame
      title={t("visitor.title", { account: target.account.name, queue: target.queue.name })}
      explain={t("visitor.explain")}
      {...choice}
    >
      {call.active ? (
        <OnCall
          call={call}
          other={t("visitor.title", { account: target.account.name, queue: target.queue.name })}
          from={name.trim() || null}
        />
      ) : (
        <form className="ph-form" onSubmit={submit}>
          <Outcome stage={stage} />
          <FormElement label={t("visitor.name")}>
            {({ id }) => (
              <input
                id={id}
                className="slds-input"
                type="text"
                autoComplete="name"
                maxLength={80}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </FormElement>
          <FormElement label={t("visitor.number")} help={t("visitor.number_help")}>
            {({ id, describedBy }) => (
              <input
                id={id}
                className="slds-input"
                type="tel"
                autoComplete="tel"
                maxLength={60}
                aria-describedby={describedBy}
                value={number}
                onChange={(event) => setNumber(event.target.value)}
              />
            )}
          </FormElement>
          <CallButton label={t("action.call")} />
        </form>
      )}
    </Frame>
  );
}
