/**
 * The window that signs an agent in for a callbar inside another site's page. It asks for a one-time code and
 * hands it to the page that opened it, if that page is of our own origin; nobody else can read the message.
 *
 * A page passed on the way (an identity provider's, say) may have cut the tie to the opener for good. Then the
 * user types the two digits that the callbar shows, and the callbar fetches its session itself.
 */
import { type FormEvent, type ReactNode, useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { grantByDigits, grantCallbar } from "../../data/callbar_session.ts";
import { Problem } from "../../data/http.ts";
import { type PortalSession, signOut } from "../../data/session.ts";
import { Button, FormElement, Spinner } from "../../ui/controls.tsx";
import { ProblemNotice } from "../words.tsx";
import { Brand, SignInPage } from "./SignIn.tsx";

type Step =
  | { kind: "working" }
  /** Nobody to hand a code to: the digits are asked for. */
  | { kind: "digits" }
  | { kind: "done"; byDigits: boolean }
  | { kind: "failed"; problem: Problem };

export function CallbarSignIn({
  query,
  session,
  onSession,
}: {
  query: URLSearchParams;
  session: PortalSession | null;
  onSession: (session: PortalSession | null) => void;
}): ReactNode {
  const { t } = useTranslation();
  const opener = window.opener as Window | null;
  const [step, setStep] = useState<Step>({ kind: opener === null ? "digits" : "working" });
  const challenge = query.get("challenge") ?? "";
  const connection = query.get("connection") ?? "";
  const origin = query.get("origin") ?? "";
  const complete = challenge !== "" && connection !== "";
  useEffect(() => {
    document.title = t("sign_in.page");
  }, [t]);

  const grant = useCallback(
    async (digits: string | null) => {
      setStep({ kind: "working" });
      try {
        if (digits !== null) await grantByDigits(challenge, connection, origin, digits);
        else {
          const { code } = await grantCallbar(challenge, connection, origin);
          opener?.postMessage({ type: "tieline.callbar.code", code }, location.origin);
        }
        setStep({ kind: "done", byDigits: digits !== null });
        if (digits === null) window.close();
      } catch (error) {
        const problem = error instanceof Problem ? error : new Problem("internal_error", 0);
        if (problem.status === 401) onSession(null);
        else setStep({ kind: "failed", problem });
      }
    },
    [challenge, connection, origin, opener, onSession],
  );
  useEffect(() => {
    if (complete && opener !== null && session !== null) void grant(null);
  }, [complete, opener, session, grant]);

  if (!complete)
    return (
      <Message title={t("callbar.no_opener.title")}>
        <p>{t("callbar.no_opener.explain")}</p>
      </Message>
    );
  if (session === null) return <SignInPage purpose={t("callbar.purpose")} onSignedIn={onSession} />;
  if (step.kind === "failed")
    return (
      <Message title={t("callbar.failed")}>
        <ProblemNotice
          problem={step.problem}
          onRetry={() => (opener === null ? setStep({ kind: "digits" }) : void grant(null))}
        />
        <p>{t("callbar.signed_in_as", { name: session.user.name, email: session.user.email })}</p>
        <Button onClick={() => void signOut().finally(() => onSession(null))}>
          {t("callbar.somebody_else")}
        </Button>
      </Message>
    );
  if (step.kind === "digits") return <AskDigits onDigits={(digits) => void grant(digits)} />;
  if (step.kind === "done")
    return (
      <Message title={t("callbar.done.title")}>
        <p>{t(step.byDigits ? "callbar.done.by_digits" : "callbar.done.explain")}</p>
      </Message>
    );
  return (
    <Message title={t("callbar.working")}>
      <div className="ad-wait">
        <Spinner label={t("callbar.working")} />
      </div>
    </Message>
  );
}

function AskDigits({ onDigits }: { onDigits: (digits: string) => void }): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const digits = typed.normalize("NFKC").replace(/\D/g, "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (digits.length === 2) onDigits(digits);
  };
  return (
    <Message title={t("callbar.digits.title")}>
      <p>{t("callbar.digits.explain")}</p>
      <form className="ad-sign-in__form" onSubmit={submit}>
        <FormElement label={t("callbar.digits.label")} help={t("callbar.digits.warning")}>
          {({ id, describedBy }) => (
            <input
              id={id}
              className="slds-input ad-digits"
              type="text"
              inputMode="numeric"
              autoComplete="off"
              autoFocus
              maxLength={2}
              aria-describedby={describedBy}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </FormElement>
        <Button type="submit" variant="brand" disabled={digits.length !== 2}>
          {t("callbar.digits.button")}
        </Button>
      </form>
    </Message>
  );
}

function Message({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <main className="ad-sign-in">
      <div className="ad-sign-in__card">
        <Brand />
        <h1 className="ad-sign-in__title">{title}</h1>
        {children}
      </div>
    </main>
  );
}
