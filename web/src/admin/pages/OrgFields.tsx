/** Where an org is and as whose client we come: the fields that a new connection and one that moves have in common. */
import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { type Environment, ENVIRONMENTS, type Org } from "../../data/connections.ts";
import { FormElement } from "../../ui/controls.tsx";

export interface OrgDraft {
  environment: Environment;
  clientId: string;
  clientSecret: string;
  loginOrigin: string;
  apiBase: string;
  console: string;
}

export const emptyOrg = (environment: Environment): OrgDraft => ({
  environment,
  clientId: "",
  clientSecret: "",
  loginOrigin: "",
  apiBase: "",
  console: "",
});

/** The draft as the server takes it: only what its environment has. */
export function orgOf(draft: OrgDraft): Org {
  const embedded = draft.environment === "embedded";
  return {
    environment: draft.environment,
    client_id: draft.clientId.trim(),
    client_secret: draft.clientSecret.trim() || null,
    login_origin: embedded || draft.environment === "domain" ? draft.loginOrigin.trim() : null,
    api_base: embedded ? draft.apiBase.trim() : null,
    embedding_origins: embedded ? [draft.console.trim()] : [],
  };
}

/** `wrong` is the name of the field that the server did not take. */
export function OrgFields({
  draft,
  onChange,
  embeddedAllowed,
  callback,
  wrong,
}: {
  draft: OrgDraft;
  onChange: (draft: OrgDraft) => void;
  embeddedAllowed: boolean;
  callback: string;
  wrong: string | null;
}): ReactNode {
  const { t } = useTranslation();
  const group = useId();
  const set = (part: Partial<OrgDraft>) => onChange({ ...draft, ...part });
  const text = (
    name: "clientId" | "clientSecret" | "loginOrigin" | "apiBase" | "console",
    word: string,
    field: string,
    more: { secret?: boolean; required?: boolean; help?: string; placeholder?: string } = {},
  ) => (
    <FormElement
      label={t(word)}
      required={more.required ?? true}
      requiredLabel={t("required")}
      help={more.help}
      error={wrong === field ? t(`connection.wrong.${field}`) : undefined}
    >
      {({ id, describedBy, invalid }) => (
        <input
          id={id}
          className="slds-input"
          type={more.secret ? "password" : "text"}
          autoComplete="off"
          spellCheck={false}
          maxLength={255}
          required={more.required ?? true}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          placeholder={more.placeholder}
          value={draft[name]}
          onChange={(event) => set({ [name]: event.target.value })}
        />
      )}
    </FormElement>
  );
  return (
    <>
      <fieldset className="slds-form-element ad-choices">
        <legend className="slds-form-element__legend slds-form-element__label">
          {t("connection.environment")}
        </legend>
        {ENVIRONMENTS.filter((each) => embeddedAllowed || each !== "embedded").map((each) => (
          <div key={each} className="slds-radio ad-choice">
            <input
              type="radio"
              id={`${group}-${each}`}
              name={group}
              checked={draft.environment === each}
              onChange={() => set({ environment: each })}
            />
            <label className="slds-radio__label" htmlFor={`${group}-${each}`}>
              <span className="slds-radio_faux" />
              <span className="slds-form-element__label">
                {t(`connection.environment.${each}`)}
                <span className="ad-weak ad-choice__more">{t(`connection.environment.${each}.more`)}</span>
              </span>
            </label>
          </div>
        ))}
      </fieldset>
      {draft.environment === "domain" &&
        text("loginOrigin", "connection.own_domain", "login_origin", {
          placeholder: "https://example.my.salesforce.com",
        })}
      {draft.environment === "embedded" && (
        <>
          {text("apiBase", "connection.api_base", "api_base", { placeholder: "http://127.0.0.1:8101" })}
          {text("loginOrigin", "connection.login_origin", "login_origin", {
            placeholder: "http://acme.my.localhost:8101",
          })}
          {text("console", "connection.console", "embedding_origins", {
            placeholder: "http://acme.lightning.localhost:8101",
          })}
        </>
      )}
      {text("clientId", "connection.client_id", "client_id", {
        help: t("connection.client_id.help", { callback }),
      })}
      {text("clientSecret", "connection.client_secret", "client_secret", {
        secret: true,
        required: false,
        help: t("connection.client_secret.help"),
      })}
    </>
  );
}
