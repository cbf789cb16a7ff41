/** Where an app asks to be let in: who asks, what it could do, and where the answer goes. */
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { answerAppRequest, type AppRequest, readAppRequest } from "../../data/apps.ts";
import { Problem } from "../../data/http.ts";
import { type PortalSession, signOut } from "../../data/session.ts";
import { Button, Notice } from "../../ui/controls.tsx";
import { Waiting } from "../parts.tsx";
import { ProblemNotice } from "../words.tsx";
import { Brand } from "./SignIn.tsx";

type Step =
  | { kind: "reading" }
  | { kind: "asking"; request: AppRequest }
  | { kind: "leaving" }
  | { kind: "failed"; problem: Problem };

const asProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem("internal_error", 0);

export function ConsentPage({
  query,
  session,
  onSession,
}: {
  query: string;
  session: PortalSession;
  onSession: (session: PortalSession | null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [step, setStep] = useState<Step>({ kind: "reading" });
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    document.title = t("consent.page");
  }, [t]);
  useEffect(() => {
    const abort = new AbortController();
    readAppRequest(query, abort.signal).then(
      (answer) => {
        if ("redirect_to" in answer) {
          setStep({ kind: "leaving" });
          location.replace(answer.redirect_to);
        } else setStep({ kind: "asking", request: answer });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const failed = asProblem(error);
        if (failed.status === 401) onSession(null);
        else setStep({ kind: "failed", problem: failed });
      },
    );
    return () => abort.abort();
  }, [query, onSession]);
  const somebodyElse = () => void signOut().finally(() => onSession(null));

  if (step.kind === "reading" || step.kind === "leaving")
    return (
      <Card title={t("consent.title")}>
        <Waiting />
      </Card>
    );
  if (step.kind === "failed") {
    const reason = step.problem.code === "authorization_refused" ? step.problem.params["reason"] : null;
    return (
      <Card title={t("consent.refused.title")}>
        {typeof reason === "string" ? (
          <Notice variant="error">{t(`consent.refused.${reason}`, step.problem.params)}</Notice>
        ) : (
          <ProblemNotice problem={step.problem} onRetry={() => location.reload()} />
        )}
        <p className="ad-weak">{t("consent.refused.close")}</p>
        {reason === "other_account" && <Button onClick={somebodyElse}>{t("callbar.somebody_else")}</Button>}
      </Card>
    );
  }
  const { app, account, scopes, not_yours } = step.request;
  const answer = (allow: boolean) => {
    setStep({ kind: "leaving" });
    answerAppRequest(query, allow).then(
      (to) => location.replace(to),
      (error: unknown) => {
        setProblem(asProblem(error));
        setStep(step);
      },
    );
  };
  const forbidden = not_yours.length > 0;
  return (
    <Card title={t("consent.asks", { app: app.name })}>
      <p>{t("consent.explain", { app: app.name, account })}</p>
      <ul className="ad-consent__scopes">
        {scopes.map((scope) => (
          <li key={scope}>
            <strong>{t(`scope.${scope}`)}</strong>
            <span className="ad-weak">{t(`scope.${scope}.more`)}</span>
          </li>
        ))}
      </ul>
      {app.new && <Notice variant="info">{t("consent.new", { address: new URL(app.goes_to).host })}</Notice>}
      {forbidden && (
        <Notice variant="warning">
          {t("consent.not_yours", { scopes: not_yours.map((scope) => t(`scope.${scope}`)).join(t("comma")) })}
        </Notice>
      )}
      {problem && <ProblemNotice problem={problem} />}
      <p className="ad-weak">{t("consent.goes_to", { address: app.goes_to })}</p>
      <div className="ad-consent__acts">
        {!forbidden && (
          <Button variant="brand" onClick={() => answer(true)}>
            {t("consent.allow")}
          </Button>
        )}
        <Button onClick={() => answer(false)}>{t("consent.deny")}</Button>
      </div>
      <p className="ad-weak">{t("consent.taken_back")}</p>
      <p className="ad-weak">
        {t("callbar.signed_in_as", { name: session.user.name, email: session.user.email })}{" "}
        <Button variant="base" onClick={somebodyElse}>
          {t("callbar.somebody_else")}
        </Button>
      </p>
    </Card>
  );
}

function Card({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <main className="ad-sign-in" id="content">
      <div className="ad-sign-in__card ad-consent">
        <Brand />
        <h1 className="ad-sign-in__title">{title}</h1>
        {children}
      </div>
    </main>
  );
}
