/** Users: list with views, detail, new and edit, freeze. */
import { useMemo, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/controls.tsx";
import { navigate, setupPath } from "../router.ts";
import { Link } from "../shell/Link.tsx";
import { people, type UserChoices, type UserDetail } from "./data.ts";
import {
  Card,
  Check,
  CheckField,
  nameOf,
  Refusal,
  SelectField,
  SetupHeader,
  SetupLink,
  Shown,
  Table,
  TextField,
  useAsk,
  useChange,
  Values,
  when,
} from "./parts.tsx";
import { FormPage, ListHeader } from "./shared.tsx";
import type { PageProps } from "./tree.ts";
import { may } from "./SetupGear.tsx";

const NODE = "ManageUsers";
const ICON = "utility:user";
const VIEWS = ["active", "all", "inactive", "frozen"] as const;
/** Locales that the pages format values by. */
const LOCALES = [
  "ja_JP",
  "en_US",
  "en_GB",
  "en_CA",
  "en_AU",
  "de_DE",
  "fr_FR",
  "es_ES",
  "it_IT",
  "ko_KR",
  "zh_CN",
  "zh_TW",
];

export function UserPages({ rest }: PageProps): ReactNode {
  const [first = "home", view = "view"] = rest;
  if (first === "home") return <UserList />;
  if (first === "new") return <NewUser />;
  return view === "edit" ? <EditUser id={first} /> : <User id={first} />;
}

function UserList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(people.list, "list");
  const [view, setView] = useState<(typeof VIEWS)[number]>("active");
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  return (
    <>
      <ListHeader
        title={t("users.title")}
        icon={ICON}
        permission="ManageUsers"
        label={t("users.new")}
        onNew={() => navigate(setupPath(NODE, "new"))}
      />
      <Card title={t("users.title")}>
        <div className="setup-form slds-m-bottom_small">
          <SelectField
            label={t("users.view")}
            value={view}
            onChange={(value) => setView(value as (typeof VIEWS)[number])}
            options={VIEWS.map((each) => ({ value: each, label: t(`users.view.${each}`) }))}
          />
          <TextField label={t("sets.search")} type="search" value={text} maxLength={100} onChange={setText} />
        </div>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("users.title")}
              rows={rows.filter(
                (row) =>
                  (view === "all" || (view === "frozen" ? row.frozen : row.active === (view === "active"))) &&
                  [nameOf(row), row.username, row.email, row.profile]
                    .join(" ")
                    .toLowerCase()
                    .includes(wanted),
              )}
              rowKey={(row) => row.id}
              empty={t("callCenters.found.none")}
              columns={[
                {
                  key: "action",
                  label: t("setup.action"),
                  width: "6rem",
                  show: (row) =>
                    may("ManageUsers") && (
                      <Link
                        to={setupPath(NODE, row.id, "edit")}
                        aria-label={t("setup.edit.of", { name: nameOf(row) })}
                      >
                        {t("setup.edit")}
                      </Link>
                    ),
                },
                {
                  key: "name",
                  label: t("users.fullName"),
                  head: true,
                  show: (row) => (
                    <SetupLink node={NODE} rest={[row.id, "view"]}>
                      {nameOf(row)}
                    </SetupLink>
                  ),
                },
                { key: "alias", label: t("users.alias"), show: (row) => row.alias },
                { key: "username", label: t("users.username"), show: (row) => row.username },
                { key: "role", label: t("users.role"), show: (row) => row.role_name },
                {
                  key: "active",
                  label: t("users.active"),
                  show: (row) => (
                    <>
                      <Check value={row.active} />
                      {row.frozen && (
                        <span className="slds-badge slds-m-left_x-small">{t("users.frozen")}</span>
                      )}
                    </>
                  ),
                },
                { key: "profile", label: t("users.profile"), show: (row) => row.profile },
                { key: "center", label: t("users.callCenter"), show: (row) => row.call_center_name },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

function useLanguageName(): (code: string) => string {
  const { t } = useTranslation();
  return (code) => t(`language.${code}`, { defaultValue: code });
}

function User({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => people.show(id), id);
  const change = useChange();
  const languageName = useLanguageName();
  return (
    <Shown of={asked}>
      {(user) => (
        <>
          <SetupHeader
            title={nameOf(user)}
            icon={ICON}
            crumb={{ label: t("users.title"), to: setupPath(NODE) }}
            actions={
              may("ManageUsers") && (
                <>
                  <Button variant="brand" onClick={() => navigate(setupPath(NODE, id, "edit"))}>
                    {t("setup.edit")}
                  </Button>
                  {!user.own && (
                    <Button
                      disabled={change.busy}
                      onClick={() =>
                        void change
                          .run(
                            () => people.freeze(id, !user.frozen),
                            t(user.frozen ? "users.unfrozenNow" : "users.frozenNow"),
                          )
                          .then(() => asked.again())
                      }
                    >
                      {t(user.frozen ? "users.unfreeze" : "users.freeze")}
                    </Button>
                  )}
                </>
              )
            }
          />
          <Refusal error={change.error} />
          <Card title={t("users.detail")}>
            <Values
              of={[
                [t("users.fullName"), nameOf(user)],
                [t("users.alias"), user.alias],
                [t("users.email"), user.email],
                [t("users.username"), user.username],
                [t("users.titleField"), user.title],
                [t("users.company"), user.company],
                [t("users.department"), user.department],
                [t("users.role"), user.role_name],
                [t("users.profile"), user.profile],
                [t("users.active"), <Check key="active" value={user.active} />],
                [t("users.frozen"), <Check key="frozen" value={user.frozen} />],
                [
                  t("users.callCenter"),
                  user.call_center !== null && (
                    <SetupLink node="CallCenters" rest={[user.call_center, "view"]}>
                      {user.call_center_name}
                    </SetupLink>
                  ),
                ],
                [t("users.phone"), user.phone],
                [t("users.extension"), user.extension],
                [t("users.mobile"), user.mobile_phone],
                [t("users.language"), languageName(user.language)],
                [t("users.locale"), user.locale],
                [t("users.timeZone"), user.time_zone],
                [t("users.federation"), user.federation_id],
                [t("users.lastLogin"), when(user.last_login)],
                [t("setup.created"), when(user.created_at)],
                [t("setup.modified"), when(user.modified_at)],
              ]}
            />
          </Card>
          <Card title={t("users.sets")}>
            <Table
              label={t("users.sets")}
              rows={user.permission_sets}
              rowKey={(row) => row.assignment_id}
              empty={t("users.sets.none")}
              columns={[
                {
                  key: "label",
                  label: t("sets.label"),
                  head: true,
                  show: (row) => (
                    <SetupLink node="PermSets" rest={[row.id, "view"]}>
                      {row.label}
                    </SetupLink>
                  ),
                },
                { key: "name", label: t("sets.name"), show: (row) => row.name },
              ]}
            />
          </Card>
          <Card title={t("tree.page.LoginHistory")}>
            <Table
              label={t("tree.page.LoginHistory")}
              rows={user.logins}
              rowKey={(row) => `${row.at} ${row.kind} ${row.address}`}
              empty={t("logins.none")}
              columns={[
                { key: "at", label: t("logins.at"), head: true, show: (row) => when(row.at) },
                { key: "kind", label: t("logins.kind"), show: (row) => row.kind },
                { key: "status", label: t("logins.status"), show: (row) => row.status },
                { key: "address", label: t("logins.address"), show: (row) => row.address },
              ]}
            />
          </Card>
        </>
      )}
    </Shown>
  );
}

function NewUser(): ReactNode {
  const asked = useAsk(people.choices, "choices");
  return <Shown of={asked}>{(choices) => <UserForm user={null} choices={choices} />}</Shown>;
}

function EditUser({ id }: { id: string }): ReactNode {
  const asked = useAsk(() => Promise.all([people.show(id), people.choices()]), id);
  return <Shown of={asked}>{([user, choices]) => <UserForm user={user} choices={choices} />}</Shown>;
}

const TEXTS = [
  "first_name",
  "last_name",
  "alias",
  "email",
  "username",
  "title",
  "company",
  "department",
  "phone",
  "extension",
  "mobile_phone",
  "federation_id",
] as const;
const LABELS: Record<(typeof TEXTS)[number], string> = {
  first_name: "users.firstName",
  last_name: "users.lastName",
  alias: "users.alias",
  email: "users.email",
  username: "users.username",
  title: "users.titleField",
  company: "users.company",
  department: "users.department",
  phone: "users.phone",
  extension: "users.extension",
  mobile_phone: "users.mobile",
  federation_id: "users.federation",
};
const LONGEST: Partial<Record<(typeof TEXTS)[number], number>> = {
  alias: 8,
  email: 128,
  first_name: 40,
  extension: 40,
  phone: 40,
  mobile_phone: 40,
  federation_id: 512,
};

type Text = (typeof TEXTS)[number];

function UserForm({ user, choices }: { user: UserDetail | null; choices: UserChoices }): ReactNode {
  const { t } = useTranslation();
  const [texts, setTexts] = useState<Record<Text, string>>(
    () => Object.fromEntries(TEXTS.map((each) => [each, user?.[each] ?? ""])) as Record<Text, string>,
  );
  const [profile, setProfile] = useState(user?.profile ?? "Standard User");
  const [role, setRole] = useState(user?.role ?? "");
  const [center, setCenter] = useState(user?.call_center ?? "");
  const [active, setActive] = useState(user?.active ?? true);
  const [speaks, setSpeaks] = useState(user?.language ?? "en_US");
  const [locale, setLocale] = useState(user?.locale ?? "en_US");
  const [zone, setZone] = useState(user?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [password, setPassword] = useState("");
  const zones = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  const languageName = useLanguageName();
  const change = useChange();
  const back = user === null ? setupPath(NODE) : setupPath(NODE, user.id, "view");
  const required: Text[] = ["last_name", "email", "username"];
  const options = (rows: { id: string; name: string }[]) => [
    { value: "", label: t("form.none") },
    ...rows.map((row) => ({ value: row.id, label: row.name })),
  ];
  const save = () =>
    void change.run(async () => {
      const body: Record<string, unknown> = {
        profile,
        role: role === "" ? null : role,
        call_center: center === "" ? null : center,
        active,
        language: speaks,
        locale,
        time_zone: zone,
      };
      for (const each of TEXTS) body[each] = texts[each].trim() === "" ? null : texts[each].trim();
      // An empty alias is made of the username; an empty password is left as it is.
      if (body["alias"] === null) delete body["alias"];
      if (password !== "") body["password"] = password;
      if (user === null) navigate(setupPath(NODE, (await people.create(body)).id, "view"));
      else {
        await people.change(user.id, body);
        navigate(back);
      }
    }, t("setup.saved"));
  return (
    <FormPage
      title={user === null ? t("users.new") : t("users.edit", { name: nameOf(user) })}
      icon={ICON}
      crumb={{ label: user === null ? t("users.title") : nameOf(user), to: back }}
      back={back}
      change={change}
      onSave={save}
    >
      <Card title={t("users.general")}>
        <div className="setup-form">
          {TEXTS.map((each) => (
            <TextField
              key={each}
              label={t(LABELS[each])}
              required={required.includes(each)}
              value={texts[each]}
              maxLength={LONGEST[each] ?? 80}
              onChange={(value) => setTexts((current) => ({ ...current, [each]: value }))}
            />
          ))}
          <SelectField
            label={t("users.profile")}
            required
            value={profile}
            disabled={user?.own === true}
            onChange={setProfile}
            options={choices.profiles.map((each) => ({ value: each, label: each }))}
          />
          <SelectField
            label={t("users.role")}
            value={role}
            onChange={setRole}
            options={options(choices.roles)}
          />
          <SelectField
            label={t("users.callCenter")}
            value={center}
            onChange={setCenter}
            options={options(choices.call_centers)}
          />
          <CheckField
            label={t("users.active")}
            value={active}
            disabled={user?.own === true}
            onChange={setActive}
          />
        </div>
      </Card>
      <Card title={t("users.localeSettings")}>
        <div className="setup-form">
          <SelectField
            label={t("users.language")}
            required
            value={speaks}
            onChange={setSpeaks}
            options={choices.languages.map((each) => ({ value: each, label: languageName(each) }))}
          />
          <SelectField
            label={t("users.locale")}
            required
            value={locale}
            onChange={setLocale}
            options={[...new Set([locale, ...LOCALES])].map((each) => ({ value: each, label: each }))}
          />
          <TextField
            label={t("users.timeZone")}
            required
            value={zone}
            maxLength={40}
            suggestions={zones}
            onChange={setZone}
          />
        </div>
      </Card>
      <Card title={t("users.signIn")}>
        <div className="setup-form">
          <TextField
            label={t(user === null ? "users.password" : "users.password.new")}
            type="password"
            required={user === null}
            value={password}
            maxLength={200}
            help={t("users.password.help")}
            onChange={setPassword}
          />
        </div>
      </Card>
    </FormPage>
  );
}
