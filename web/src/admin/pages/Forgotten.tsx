/** Who has forgotten a password asks for a mail with a link. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { forgetPassword } from "../../data/security.ts";
import { Button, FormElement } from "../../ui/controls.tsx";
import { Link } from "../router.tsx";
import { ProblemNotice } from "../words.tsx";
import { useWork } from "../work.ts";
import { Brand } from "./SignIn.tsx";

export function ForgottenPage(): ReactNode {
  const { t } = useTranslation();
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
  const { busy, problem, run } = useWork();
  useEffect(() => {
    document.title = t("forgotten.page");
  }, [t]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run(async () => {
      await forgetPassword(email.trim());
      setSent(true);
    });
  };
  const back = <Link to="/sign-in">{t("forgotten.back")}</Link>;
  if (sent)
    return (
      <main className="ad-sign-in">
        <div className="ad-sign-in__card">
          <Brand />
          <h1 className="ad-sign-in__title">{t("forgotten.done.title")}</h1>
          <p>{t("forgotten.done.explain", { email: email.trim() })}</p>
          {back}
        </div>
      </main>
    );
  return (
    <main className="ad-sign-in">
      <form className="ad-sign-in__card" onSubmit={submit}>
        <Brand />
        <h1 className="ad-sign-in__title">{t("forgotten.title")}</h1>
        <p>{t("forgotten.explain")}</p>
        {problem && <ProblemNotice problem={problem} />}
        <FormElement label={t("sign_in.email")}>
          {({ id }) => (
            <input
              id={id}
              className="slds-input"
              type="email"
              autoComplete="username"
              required
              autoFocus
              minLength={3}
              maxLength={254}
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </FormElement>
        <Button type="submit" variant="brand" className="ad-sign-in__button" disabled={busy}>
          {t("forgotten.button")}
        </Button>
        {back}
      </form>
    </main>
  );
}
