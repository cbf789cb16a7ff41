import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../data/http.ts";
import { type PortalSession, signIn } from "../../data/session.ts";
import { Button, FormElement, IconButton, Notice } from "../../ui/controls.tsx";
import { Symbol } from "../../ui/Icon.tsx";
import { Link } from "../router.tsx";
import { useProblemText } from "../words.tsx";

export function SignInPage({
  purpose,
  onSignedIn,
}: {
  /** One sentence on what the sign-in is for; the portal itself needs none. */
  purpose?: string;
  onSignedIn: (session: PortalSession) => void;
}): ReactNode {
  const { t } = useTranslation();
  const problemText = useProblemText();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  /** What is typed of the second step; null until it is asked for. */
  const [code, setCode] = useState<string | null>(null);
  const passwordInput = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = t("sign_in.page");
  }, [t]);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      onSignedIn(await signIn(email.trim(), password, code?.normalize("NFKC").trim()));
    } catch (error) {
      const why = error instanceof Problem ? error : new Problem("internal_error", 0);
      setBusy(false);
      if (why.code === "code_needed") {
        setCode("");
        return;
      }
      setProblem(why);
      if (code !== null && why.code !== "credentials_wrong") {
        setCode("");
        return;
      }
      setCode(null);
      setPassword("");
      passwordInput.current?.focus();
    }
  };
  if (code !== null)
    return (
      <main className="ad-sign-in">
        <form className="ad-sign-in__card" onSubmit={(event) => void submit(event)}>
          <Brand />
          <h1 className="ad-sign-in__title">{t("sign_in.code.title")}</h1>
          <p>{t("sign_in.code.explain")}</p>
          {problem && <Notice variant="error">{problemText(problem)}</Notice>}
          <FormElement label={t("sign_in.code")}>
            {({ id }) => (
              <input
                id={id}
                className="slds-input"
                autoComplete="one-time-code"
                required
                autoFocus
                maxLength={40}
                value={code}
                onChange={(event) => setCode(event.target.value)}
              />
            )}
          </FormElement>
          <Button type="submit" variant="brand" className="ad-sign-in__button" disabled={busy}>
            {t(busy ? "sign_in.busy" : "sign_in.button")}
          </Button>
          <Button
            variant="base"
            onClick={() => {
              setCode(null);
              setPassword("");
              setProblem(null);
            }}
          >
            {t("sign_in.code.back")}
          </Button>
        </form>
      </main>
    );
  return (
    <main className="ad-sign-in">
      <form className="ad-sign-in__card" onSubmit={(event) => void submit(event)}>
        <Brand />
        <h1 className="ad-sign-in__title">{t("sign_in.title")}</h1>
        {purpose && <p className="ad-sign-in__purpose">{purpose}</p>}
        {problem && <Notice variant="error">{problemText(problem)}</Notice>}
        <FormElement label={t("sign_in.email")}>
          {({ id }) => (
            <input
              id={id}
              className="slds-input"
              type="email"
              autoComplete="username"
              required
              autoFocus
              maxLength={254}
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </FormElement>
        <FormElement label={t("sign_in.password")}>
          {({ id }) => (
            <div className="ad-password">
              <input
                id={id}
                ref={passwordInput}
                className="slds-input"
                type={shown ? "text" : "password"}
                autoComplete="current-password"
                required
                maxLength={1024}
                value={password}
                onChange={(event) => setPassword(event.target.value)}
              />
              <IconButton
                icon={shown ? "utility:hide" : "utility:preview"}
                label={t(shown ? "sign_in.hide_password" : "sign_in.show_password")}
                className="ad-password__eye"
                aria-pressed={shown}
                onClick={() => setShown(!shown)}
              />
            </div>
          )}
        </FormElement>
        <Button type="submit" variant="brand" className="ad-sign-in__button" disabled={busy}>
          {t(busy ? "sign_in.busy" : "sign_in.button")}
        </Button>
        <Link to="/portal/forgotten">{t("sign_in.forgotten")}</Link>
      </form>
    </main>
  );
}

export function Brand(): ReactNode {
  return (
    <div className="ad-brand">
      <span className="ad-brand__mark">
        <Symbol name="utility:call" className="ad-brand__icon" />
      </span>
      <span className="ad-brand__name">Tieline</span>
    </div>
  );
}
