/** Behind a one-time link: a user chooses a password. The token stands behind the `#`, which is sent to nobody. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { choosePassword } from "../../data/security.ts";
import { Button, FormElement, Notice } from "../../ui/controls.tsx";
import { Link } from "../router.tsx";
import { ProblemNotice } from "../words.tsx";
import { Brand } from "./SignIn.tsx";
import { useWork } from "../work.ts";

export function PasswordPage({ token }: { token: string }): ReactNode {
  const { t } = useTranslation();
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [email, setEmail] = useState<string | null>(null);
  const [differ, setDiffer] = useState(false);
  const { busy, problem, run } = useWork();
  useEffect(() => {
    document.title = t("password.page");
  }, [t]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setDiffer(password !== again);
    if (password === again) run(async () => setEmail(await choosePassword(token, password)));
  };
  const easy = problem?.code === "input_invalid";
  if (email !== null)
    return (
      <main className="ad-sign-in">
        <div className="ad-sign-in__card">
          <Brand />
          <h1 className="ad-sign-in__title">{t("password.done.title")}</h1>
          <Notice variant="info">{t("password.done.explain", { email })}</Notice>
          <Link to="/sign-in" className="slds-button slds-button_brand">
            {t("sign_in.button")}
          </Link>
        </div>
      </main>
    );
  const field = (
    word: string,
    value: string,
    onChange: (value: string) => void,
    more: { error?: string | undefined; help?: string } = {},
  ) => (
    <FormElement label={t(word)} error={more.error} help={more.help}>
      {({ id, describedBy, invalid }) => (
        <input
          id={id}
          className="slds-input"
          type="password"
          autoComplete="new-password"
          required
          maxLength={200}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </FormElement>
  );
  return (
    <main className="ad-sign-in">
      <form className="ad-sign-in__card" onSubmit={submit}>
        <Brand />
        <h1 className="ad-sign-in__title">{t("password.title")}</h1>
        {field("password.new", password, setPassword, {
          help: t("password.rule"),
          error: easy ? t("password.easy") : undefined,
        })}
        {field("password.again", again, setAgain, { error: differ ? t("password.differ") : undefined })}
        {problem && !easy && <ProblemNotice problem={problem} />}
        {problem?.code === "link_invalid" && <Link to="/portal/forgotten">{t("sign_in.forgotten")}</Link>}
        <Button type="submit" variant="brand" className="ad-sign-in__button" disabled={busy}>
          {t("password.button")}
        </Button>
      </form>
    </main>
  );
}
