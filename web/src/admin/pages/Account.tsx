/** The account: its settings, all saved at once; plan and seats; who changed what. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Account, type AccountSettings, changeAccount, readAccount } from "../../data/account.ts";
import { Button, FormElement, Notice } from "../../ui/controls.tsx";
import { ChangeList } from "../Changes.tsx";
import { useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { PageHead } from "../Shell.tsx";
import { ProblemNotice } from "../words.tsx";
import { useWork } from "../work.ts";

export function AccountPage(): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading("account", readAccount, ["account", "users"]);
  /** The version that the form was filled in from. */
  const [shown, setShown] = useState<Account | null>(null);
  const [saved, setSaved] = useState(false);
  useEffect(() => {
    document.title = t("account.page");
  }, [t]);
  useEffect(() => {
    if (shown === null && value !== null) setShown(value);
  }, [shown, value]);
  const newer = shown !== null && value !== null && value.version > shown.version;
  return (
    <>
      <PageHead title={t("account.title")} explain={t("account.explain")} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {newer && (
        <Notice variant="warning">
          <p>{t("account.newer", { name: value.changes[0]?.by || t("account.operator") })}</p>
          <Button
            className="slds-m-top_x-small"
            onClick={() => {
              setSaved(false);
              setShown(value);
            }}
          >
            {t("account.newer.show")}
          </Button>
        </Notice>
      )}
      {shown === null || value === null ? (
        !problem && <Waiting />
      ) : (
        <>
          <Plan account={value} />
          <Settings
            key={shown.version}
            account={shown}
            justSaved={saved}
            onSaved={(account) => {
              setSaved(true);
              setShown(account);
            }}
          />
          <Changes account={value} />
        </>
      )}
    </>
  );
}

function Plan({ account }: { account: Account }): ReactNode {
  const { t, i18n } = useTranslation();
  const number = new Intl.NumberFormat(i18n.language);
  const full = account.seats_used >= account.seats;
  return (
    <section className="slds-card ad-part" aria-label={t("account.plan")}>
      <h2 className="ad-part__title">{t("account.plan")}</h2>
      <p>
        <strong>{t(`account.plan.${account.plan}`)}</strong>
      </p>
      <p>
        {t("account.seats", {
          used: number.format(account.seats_used),
          seats: number.format(account.seats),
        })}
      </p>
      <p className="ad-weak">{t("account.seats.explain")}</p>
      {full && <Notice variant="warning">{t("account.seats.full")}</Notice>}
      {!account.applications && <Notice variant="info">{t("account.plan.no_applications")}</Notice>}
    </section>
  );
}

function Settings({
  account,
  justSaved,
  onSaved,
}: {
  account: Account;
  /** The form was filled in anew from what has just been saved. */
  justSaved: boolean;
  onSaved: (account: Account) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<AccountSettings>({
    name: account.name,
    vanity: account.vanity,
    time_zone: account.time_zone,
    language: account.language,
    outbound_codes: account.outbound_codes,
    test_phone: account.test_phone,
    web_calls: account.web_calls,
    managers_second_step: account.managers_second_step,
  });
  const [codes, setCodes] = useState(account.outbound_codes.map((code) => `+${code}`).join(", "));
  const [saved, setSaved] = useState(justSaved);
  const { busy, problem, run } = useWork();
  const wrong =
    problem?.code === "input_invalid"
      ? String(problem.params["field"])
      : problem?.code === "vanity_taken"
        ? "vanity"
        : null;
  const reason =
    problem?.code === "vanity_taken"
      ? "taken"
      : ((problem?.params["reason"] as string | undefined) ?? "form");
  const set = <K extends keyof AccountSettings>(name: K, value: AccountSettings[K]) => {
    setSaved(false);
    setDraft({ ...draft, [name]: value });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run(async () => {
      const outbound_codes = codes.split(/[\s,、]+/).filter(Boolean);
      onSaved(await changeAccount(account.version, { ...draft, outbound_codes }));
      setSaved(true);
    });
  };
  const text = (
    name: "name" | "vanity",
    more: { error?: string | undefined; help?: string; max: number },
  ) => (
    <FormElement
      label={t(`account.${name}`)}
      required
      requiredLabel={t("required")}
      error={more.error}
      help={more.help}
    >
      {({ id, describedBy, invalid }) => (
        <input
          id={id}
          className="slds-input"
          required
          maxLength={more.max}
          autoComplete="off"
          spellCheck={false}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          value={draft[name]}
          onChange={(event) => set(name, event.target.value)}
        />
      )}
    </FormElement>
  );
  const tick = (name: "test_phone" | "web_calls" | "managers_second_step") => (
    <label className="ad-check">
      <input type="checkbox" checked={draft[name]} onChange={() => set(name, !draft[name])} />
      <span>
        {t(`account.${name}`)}
        <span className="ad-weak ad-choice__more">{t(`account.${name}.explain`)}</span>
      </span>
    </label>
  );
  return (
    <section className="slds-card ad-part" aria-label={t("account.settings")}>
      <h2 className="ad-part__title">{t("account.settings")}</h2>
      <form className="ad-form" onSubmit={submit}>
        {text("name", { max: 80, error: wrong === "name" ? t("account.wrong.name") : undefined })}
        {text("vanity", {
          max: 30,
          help: t("account.vanity.help", { host: `${draft.vanity || "…"}.${account.public_host}` }),
          error: wrong === "vanity" ? t(`account.wrong.vanity.${reason}`) : undefined,
        })}
        <FormElement
          label={t("account.time_zone")}
          help={t("account.time_zone.help")}
          error={wrong === "time_zone" ? t("account.wrong.time_zone") : undefined}
        >
          {({ id, describedBy, invalid }) => (
            <select
              id={id}
              className="slds-select"
              aria-invalid={invalid}
              aria-describedby={describedBy}
              value={draft.time_zone}
              onChange={(event) => set("time_zone", event.target.value)}
            >
              {[...new Set([draft.time_zone, "UTC", ...Intl.supportedValuesOf("timeZone")])].map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </select>
          )}
        </FormElement>
        <FormElement label={t("account.language")}>
          {({ id }) => (
            <select
              id={id}
              className="slds-select"
              value={draft.language}
              onChange={(event) => set("language", event.target.value === "ja" ? "ja" : "en")}
            >
              <option value="en">English</option>
              <option value="ja">日本語</option>
            </select>
          )}
        </FormElement>
        <FormElement
          label={t("account.outbound_codes")}
          help={t("account.outbound_codes.help")}
          error={wrong === "outbound_codes" ? t("account.wrong.outbound_codes") : undefined}
        >
          {({ id, describedBy, invalid }) => (
            <input
              id={id}
              className="slds-input"
              maxLength={400}
              autoComplete="off"
              aria-invalid={invalid}
              aria-describedby={describedBy}
              value={codes}
              onChange={(event) => {
                setSaved(false);
                setCodes(event.target.value);
              }}
            />
          )}
        </FormElement>
        {tick("test_phone")}
        {tick("web_calls")}
        {tick("managers_second_step")}
        {problem && !wrong && <ProblemNotice problem={problem} />}
        {saved && <Notice variant="info">{t("account.saved")}</Notice>}
        <div className="ad-acts">
          <Button type="submit" variant="brand" disabled={busy}>
            {t("users.save")}
          </Button>
        </div>
      </form>
    </section>
  );
}

function Changes({ account }: { account: Account }): ReactNode {
  const { t } = useTranslation();
  return (
    <section className="slds-card ad-part" aria-label={t("account.changes")}>
      <h2 className="ad-part__title">{t("account.changes")}</h2>
      <ChangeList
        changes={account.changes}
        label={(name) => t(`account.${name}`)}
        word={(_, value) =>
          Array.isArray(value) ? value.map((each) => `+${String(each)}`).join(", ") : String(value)
        }
      />
    </section>
  );
}
