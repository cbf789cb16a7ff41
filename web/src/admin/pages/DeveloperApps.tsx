/** Developer apps: programs that may ask users of the account to be let in. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addDeveloperApp,
  changeDeveloperApp,
  deleteDeveloperApp,
  type DeveloperApp,
  readDeveloperApps,
  rotateSecret,
  type Scope,
  SCOPES,
} from "../../data/apps.ts";
import { Button, EmptyState, FormElement, Modal, Notice } from "../../ui/controls.tsx";
import { formatDateTime } from "../../ui/format.ts";
import { useReading } from "../live.tsx";
import { Confirm, Waiting } from "../parts.tsx";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice, useRegion } from "../words.tsx";
import { useWork } from "../work.ts";

interface Open {
  app: DeveloperApp | null;
  what: "edit" | "secret" | "delete";
}

export function DeveloperAppsPage(): ReactNode {
  const { t, i18n } = useTranslation();
  const region = useRegion();
  const { value, problem, again } = useReading("developer apps", readDeveloperApps, ["apps"]);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => {
    setOpen(null);
    again();
  };
  useEffect(() => {
    document.title = t("apps.page");
  }, [t]);
  const add = (
    <Button variant="brand" onClick={() => setOpen({ app: null, what: "edit" })}>
      {t("apps.add")}
    </Button>
  );
  return (
    <>
      <PageHead title={t("apps.title")} explain={t("apps.explain")}>
        <Link to="/portal/developer-apps/api">{t("api.open")}</Link>
        {value !== null && value.length > 0 && add}
      </PageHead>
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {value === null ? (
        !problem && <Waiting />
      ) : value.length === 0 ? (
        <EmptyState icon="utility:apps" title={t("apps.none.title")} action={add}>
          {t("apps.none.explain")}
        </EmptyState>
      ) : (
        <TableBox label={t("apps.title")}>
          <table className="slds-table slds-table_bordered ad-table">
            <thead>
              <tr>
                <th scope="col">{t("apps.name")}</th>
                <th scope="col">{t("apps.client_id")}</th>
                <th scope="col">{t("apps.scopes")}</th>
                <th scope="col">{t("apps.created")}</th>
                <th scope="col" className="ad-right">
                  {t("apps.grants")}
                </th>
                <th scope="col">{t("apps.acts")}</th>
              </tr>
            </thead>
            <tbody>
              {value.map((app) => (
                <tr key={app.id}>
                  <th scope="row" className="ad-cell">
                    <button
                      type="button"
                      className="slds-button"
                      onClick={() => setOpen({ app, what: "edit" })}
                    >
                      {app.name}
                    </button>
                    <div className="ad-weak">{t(app.confidential ? "apps.confidential" : "apps.public")}</div>
                  </th>
                  <td className="ad-cell">
                    <code>{app.client_id}</code>
                  </td>
                  <td className="ad-cell ad-words">
                    {app.scopes.map((scope) => (
                      <div key={scope}>{t(`scope.${scope}`)}</div>
                    ))}
                  </td>
                  <td className="ad-cell">
                    {formatDateTime(app.created_at, region)}
                    <div className="ad-weak">{app.created_by ?? "–"}</div>
                  </td>
                  <td className="ad-cell ad-number ad-right">
                    {new Intl.NumberFormat(i18n.language).format(app.grants)}
                  </td>
                  <td className="ad-cell">
                    {app.confidential && (
                      <Button
                        variant="base"
                        className="slds-m-right_small"
                        aria-label={t("apps.secret.of", { name: app.name })}
                        onClick={() => setOpen({ app, what: "secret" })}
                      >
                        {t("apps.secret.new")}
                      </Button>
                    )}
                    <Button
                      variant="base"
                      aria-label={t("apps.delete.of", { name: app.name })}
                      onClick={() => setOpen({ app, what: "delete" })}
                    >
                      {t("apps.delete")}
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableBox>
      )}
      {open?.what === "edit" && <AppDialog app={open.app} onClose={close} />}
      {open?.what === "secret" && open.app && <SecretDialog app={open.app} onClose={close} />}
      {open?.what === "delete" && open.app && <DeleteDialog app={open.app} onClose={close} />}
    </>
  );
}

function AppDialog({ app, onClose }: { app: DeveloperApp | null; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const [name, setName] = useState(app?.name ?? "");
  const [uris, setUris] = useState(app?.redirect_uris.join("\n") ?? "");
  const [scopes, setScopes] = useState<Scope[]>(app?.scopes ?? [...SCOPES]);
  const [confidential, setConfidential] = useState(app?.confidential ?? true);
  const [made, setMade] = useState<{ clientId: string; secret: string | null } | null>(null);
  const { busy, problem, run } = useWork();
  if (made !== null)
    return (
      <Modal title={t("apps.made.title")} closeLabel={t("close")} size="small" onClose={onClose}>
        <Once clientId={made.clientId} secret={made.secret} />
      </Modal>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const draft = { name, redirect_uris: uris.split("\n"), scopes };
    run(async () => {
      if (app === null) {
        const answer = await addDeveloperApp(draft, confidential);
        setMade({ clientId: answer.app.client_id, secret: answer.secret });
      } else {
        await changeDeveloperApp(app, draft);
        onClose();
      }
    });
  };
  const wrong =
    problem?.code === "name_taken"
      ? "name"
      : problem?.code === "input_invalid"
        ? problem.params["field"]
        : null;
  const reason = typeof problem?.params["reason"] === "string" ? problem.params["reason"] : "count";
  const uri = typeof problem?.params["uri"] === "string" ? problem.params["uri"] : "";
  return (
    <Modal
      title={app === null ? t("apps.add") : app.name}
      closeLabel={t("close")}
      size="small"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" form="app-form" variant="brand" disabled={busy || scopes.length === 0}>
            {t(app === null ? "apps.add.button" : "apps.save")}
          </Button>
        </>
      }
    >
      <form id="app-form" className="ad-form" onSubmit={submit}>
        <FormElement
          label={t("apps.name")}
          required
          requiredLabel={t("required")}
          help={t("apps.name.help")}
          error={
            wrong === "name"
              ? t(problem?.code === "name_taken" ? "apps.wrong.name_taken" : "apps.wrong.name")
              : undefined
          }
        >
          {({ id, describedBy, invalid }) => (
            <input
              id={id}
              className="slds-input"
              required
              maxLength={80}
              autoComplete="off"
              aria-invalid={invalid}
              aria-describedby={describedBy}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </FormElement>
        <FormElement
          label={t("apps.redirect_uris")}
          required
          requiredLabel={t("required")}
          help={t("apps.redirect_uris.help")}
          error={wrong === "redirect_uris" ? t(`apps.wrong.uri.${reason}`, { uri }) : undefined}
        >
          {({ id, describedBy, invalid }) => (
            <textarea
              id={id}
              className="slds-textarea"
              required
              rows={3}
              maxLength={6000}
              spellCheck={false}
              aria-invalid={invalid}
              aria-describedby={describedBy}
              value={uris}
              onChange={(event) => setUris(event.target.value)}
            />
          )}
        </FormElement>
        <fieldset className="ad-choices">
          <legend className="slds-form-element__label">{t("apps.scopes")}</legend>
          {SCOPES.map((scope) => (
            <label key={scope} className="ad-check">
              <input
                type="checkbox"
                checked={scopes.includes(scope)}
                onChange={() =>
                  setScopes(
                    SCOPES.filter((each) =>
                      each === scope ? !scopes.includes(scope) : scopes.includes(each),
                    ),
                  )
                }
              />
              <span>
                {t(`scope.${scope}`)}
                <span className="ad-weak ad-consent__code">{scope}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {app === null && (
          <label className="ad-check">
            <input
              type="checkbox"
              checked={confidential}
              onChange={(event) => setConfidential(event.target.checked)}
            />
            <span>
              {t("apps.keeps_secret")}
              <span className="ad-weak ad-consent__code">{t("apps.keeps_secret.more")}</span>
            </span>
          </label>
        )}
        {problem && !wrong && <ProblemNotice problem={problem} />}
      </form>
    </Modal>
  );
}

/** What is shown once and never again. */
function Once({ clientId, secret }: { clientId: string; secret: string | null }): ReactNode {
  const { t } = useTranslation();
  const field = (label: string, value: string) => (
    <FormElement label={label}>
      {({ id }) => (
        <input
          id={id}
          className="slds-input"
          readOnly
          value={value}
          onFocus={(event) => event.target.select()}
        />
      )}
    </FormElement>
  );
  return (
    <div className="ad-form">
      {field(t("apps.client_id"), clientId)}
      {secret !== null && field(t("apps.secret"), secret)}
      <Notice variant={secret === null ? "info" : "warning"}>
        {t(secret === null ? "apps.made.public" : "apps.secret.once")}
      </Notice>
    </div>
  );
}

function SecretDialog({ app, onClose }: { app: DeveloperApp; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const [secret, setSecret] = useState<string | null>(null);
  const { busy, problem, run } = useWork();
  return (
    <Modal
      title={t("apps.secret.of", { name: app.name })}
      closeLabel={t("close")}
      size="small"
      onClose={onClose}
      footer={
        secret === null && (
          <>
            <Button onClick={onClose}>{t("cancel")}</Button>
            <Button
              variant="destructive"
              disabled={busy}
              onClick={() => run(async () => setSecret((await rotateSecret(app.id)).secret))}
            >
              {t("apps.secret.button")}
            </Button>
          </>
        )
      }
    >
      {secret === null ? (
        <p>{t("apps.secret.explain")}</p>
      ) : (
        <Once clientId={app.client_id} secret={secret} />
      )}
      {problem && <ProblemNotice problem={problem} />}
    </Modal>
  );
}

function DeleteDialog({ app, onClose }: { app: DeveloperApp; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const act = async () => {
    await deleteDeveloperApp(app.id);
    onClose();
  };
  return (
    <Confirm
      title={t("apps.delete.of", { name: app.name })}
      button={t("apps.delete")}
      act={act}
      onClose={onClose}
    >
      <p>{t("apps.delete.explain", { count: app.grants })}</p>
    </Confirm>
  );
}
