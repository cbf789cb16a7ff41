/** The external client app manager: OAuth clients of this org, their settings, their key and secret. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, FormElement, Notice } from "../../ui/controls.tsx";
import { navigate, setupPath } from "../router.ts";
import { org, type AppRow } from "./data.ts";
import {
  Card,
  Check,
  CheckField,
  DualList,
  Question,
  SelectField,
  SetupHeader,
  SetupLink,
  Shown,
  Table,
  TextField,
  useAsk,
  useChange,
  Values,
} from "./parts.tsx";
import { FormPage, ListHeader } from "./shared.tsx";
import type { PageProps } from "./tree.ts";
import { may } from "./SetupGear.tsx";

const NODE = "ManageExternalClientApplication";
const ICON = "utility:apps";
const SCOPES = [
  "api",
  "refresh_token",
  "openid",
  "id",
  "profile",
  "email",
  "web",
  "full",
  "custom_permissions",
  "lightning",
];

export function ExternalAppPages({ rest }: PageProps): ReactNode {
  const [first = "home", view = "view"] = rest;
  if (first === "home") return <AppList />;
  if (first === "new") return <AppForm app={null} />;
  return <OneApp id={first} edit={view === "edit"} />;
}

function AppList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(org.apps, "apps");
  return (
    <>
      <ListHeader
        title={t("tree.page.ManageExternalClientApplication")}
        icon={ICON}
        permission="CustomizeApplication"
        label={t("external.new")}
        onNew={() => navigate(setupPath(NODE, "new"))}
      />
      <Card title={t("tree.page.ManageExternalClientApplication")}>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("tree.page.ManageExternalClientApplication")}
              rows={rows.filter((row) => row.kind === "external")}
              rowKey={(row) => row.client_id}
              empty={t("external.none")}
              columns={[
                {
                  key: "label",
                  label: t("external.name"),
                  head: true,
                  show: (row) => (
                    <SetupLink node={NODE} rest={[row.client_id, "view"]}>
                      {row.label}
                    </SetupLink>
                  ),
                },
                { key: "name", label: t("sets.apiName"), show: (row) => row.name },
                {
                  key: "scopes",
                  label: t("external.scopes"),
                  show: (row) => row.scopes.join(t("form.comma")),
                },
                {
                  key: "permitted",
                  label: t("apps.permitted"),
                  show: (row) => t(`apps.permitted.${row.permitted}`),
                },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

function OneApp({ id, edit }: { id: string; edit: boolean }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(org.apps, id);
  return (
    <Shown of={asked}>
      {(rows) => {
        const app = rows.find((each) => each.client_id === id);
        if (app === undefined) return <p>{t("refusal.NOT_FOUND")}</p>;
        return edit ? <AppForm app={app} /> : <AppDetail app={app} />;
      }}
    </Shown>
  );
}

function AppDetail({ app }: { app: AppRow }): ReactNode {
  const { t } = useTranslation();
  const [question, setQuestion] = useState<"secret" | "delete" | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const change = useChange();
  return (
    <>
      <SetupHeader
        title={app.label}
        icon={ICON}
        crumb={{ label: t("tree.page.ManageExternalClientApplication"), to: setupPath(NODE) }}
        actions={
          may("CustomizeApplication") && (
            <>
              <Button variant="brand" onClick={() => navigate(setupPath(NODE, app.client_id, "edit"))}>
                {t("setup.edit")}
              </Button>
              <Button onClick={() => setQuestion("secret")}>{t("external.newSecret")}</Button>
              {app.namespace === null && (
                <Button onClick={() => setQuestion("delete")}>{t("setup.delete")}</Button>
              )}
            </>
          )
        }
      />
      <Managed app={app} />
      {secret !== null && (
        <div className="slds-m-bottom_small">
          <Notice variant="warning">
            <p>{t("external.secret.once")}</p>
            <code>{secret}</code>
          </Notice>
        </div>
      )}
      <Card title={t("external.settings")}>
        <Values
          of={[
            [t("sets.apiName"), app.name],
            [t("external.key"), app.client_id],
            [t("external.callbacks"), app.callbacks.join(" ")],
            [t("external.scopes"), app.scopes.join(t("form.comma"))],
            [t("external.pkce"), <Check key="pkce" value={app.pkce_required} />],
            [t("external.hasSecret"), <Check key="secret" value={app.has_secret} />],
            [t("apps.permitted"), t(`apps.permitted.${app.permitted}`)],
            [t("profiles.title"), app.profiles.join(t("form.comma"))],
            [t("sets.title"), app.permission_sets.join(t("form.comma"))],
            [t("external.refresh"), t(`external.refresh.${app.refresh_policy}`)],
          ]}
        />
      </Card>
      {question !== null && (
        <Question
          title={t(question === "secret" ? "external.newSecret" : "external.delete")}
          confirm={t(question === "secret" ? "external.newSecret" : "setup.delete")}
          busy={change.busy}
          error={change.error}
          onClose={() => setQuestion(null)}
          onConfirm={() =>
            void change
              .run(async () => {
                if (question === "secret") {
                  const changed = await org.changeApp(app.client_id, { new_secret: true });
                  setSecret(changed.client_secret ?? null);
                } else {
                  await org.removeApp(app.client_id);
                  navigate(setupPath(NODE));
                }
              })
              .then((done) => {
                if (done) setQuestion(null);
              })
          }
        >
          {t(question === "secret" ? "external.newSecret.hint" : "external.delete.hint", { name: app.label })}
        </Question>
      )}
    </>
  );
}

/** Says of an app of an installed package what of it can be changed. */
function Managed({ app }: { app: AppRow | null }): ReactNode {
  const { t } = useTranslation();
  if (app === null || app.namespace === null) return null;
  return (
    <div className="slds-m-bottom_small">
      <Notice variant="info">{t("external.managed", { namespace: app.namespace })}</Notice>
    </div>
  );
}

function AppForm({ app }: { app: AppRow | null }): ReactNode {
  const { t } = useTranslation();
  const [label, setLabel] = useState(app?.label ?? "");
  const [name, setName] = useState(app?.name ?? "");
  const [callbacks, setCallbacks] = useState((app?.callbacks ?? []).join("\n"));
  const [scopes, setScopes] = useState(app?.scopes ?? ["api", "refresh_token"]);
  const [pkce, setPkce] = useState(app?.pkce_required ?? true);
  const [permitted, setPermitted] = useState(app?.permitted ?? "all");
  const [made, setMade] = useState<{ client_id: string; client_secret: string } | null>(null);
  const change = useChange();
  const managed = app !== null && app.namespace !== null;
  const back = app === null ? setupPath(NODE) : setupPath(NODE, app.client_id, "view");
  const save = () =>
    void change.run(async () => {
      const body = {
        label,
        scopes,
        permitted,
        pkce_required: pkce,
        callbacks: callbacks.split(/\s+/).filter((each) => each !== ""),
      };
      if (app === null) setMade(await org.createApp({ ...body, name }));
      else {
        await org.changeApp(app.client_id, managed ? { permitted } : body);
        navigate(back);
      }
    }, t("setup.saved"));
  if (made !== null) {
    return (
      <>
        <SetupHeader
          title={label}
          icon={ICON}
          crumb={{ label: t("tree.page.ManageExternalClientApplication"), to: setupPath(NODE) }}
        />
        <Card title={t("external.keys")}>
          <p className="slds-m-bottom_small">{t("external.secret.once")}</p>
          <Values
            of={[
              [t("external.key"), <code key="key">{made.client_id}</code>],
              [t("external.secret"), <code key="secret">{made.client_secret}</code>],
            ]}
          />
          <div className="setup-actions">
            <Button variant="brand" onClick={() => navigate(setupPath(NODE, made.client_id, "view"))}>
              {t("setup.continue")}
            </Button>
          </div>
        </Card>
      </>
    );
  }
  return (
    <FormPage
      title={app === null ? t("external.new") : t("users.edit", { name: app.label })}
      icon={ICON}
      crumb={{ label: app === null ? t("tree.page.ManageExternalClientApplication") : app.label, to: back }}
      back={back}
      change={change}
      onSave={save}
    >
      <Managed app={app} />
      <Card title={t("external.settings")}>
        <div className="setup-form">
          <TextField
            label={t("external.name")}
            required
            value={label}
            maxLength={80}
            disabled={managed}
            onChange={setLabel}
          />
          <TextField
            label={t("sets.apiName")}
            required
            value={name}
            maxLength={40}
            disabled={app !== null}
            onChange={setName}
          />
          <div className="setup-form__wide">
            <FormElement label={t("external.callbacks")} help={t("external.callbacks.help")}>
              {({ id, describedBy }) => (
                <textarea
                  id={id}
                  className="slds-textarea"
                  rows={3}
                  disabled={managed}
                  value={callbacks}
                  aria-describedby={describedBy}
                  onChange={(event) => setCallbacks(event.target.value)}
                />
              )}
            </FormElement>
          </div>
          <CheckField label={t("external.pkce")} value={pkce} disabled={managed} onChange={setPkce} />
          <SelectField
            label={t("apps.permitted")}
            value={permitted}
            onChange={setPermitted}
            options={["all", "approved"].map((each) => ({ value: each, label: t(`apps.permitted.${each}`) }))}
          />
        </div>
      </Card>
      {!managed && (
        <Card title={t("external.scopes")}>
          <DualList
            label={t("external.scopes")}
            options={[...new Set([...SCOPES, ...scopes])].map((each) => ({ value: each, label: each }))}
            chosen={scopes}
            onChange={setScopes}
          />
        </Card>
      )}
    </FormPage>
  );
}
