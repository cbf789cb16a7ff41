/** Users: found, added, changed, given their CRM; one at a time and many at once. */
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Connection, readConnections } from "../../data/connections.ts";
import type { Problem } from "../../data/http.ts";
import type { PortalSession } from "../../data/session.ts";
import {
  addUser,
  changeUser,
  type GivenRole,
  handOver,
  makePasswordLink,
  type PasswordLink,
  ORG_TROUBLES,
  readUserChanges,
  readUsers,
  resetSecondStep,
  ROLES,
  setClientIntegration,
  type User,
  type UserDraft,
  type UserFilter,
  type UserPage,
} from "../../data/users.ts";
import { Button, EmptyState, FormElement, Modal, Notice, Spinner } from "../../ui/controls.tsx";
import { ChangeList } from "../Changes.tsx";
import { useFailure, useReading } from "../live.tsx";
import { Waiting } from "../parts.tsx";
import { Link } from "../router.tsx";
import { PageHead } from "../Shell.tsx";
import { TableBox } from "../TableBox.tsx";
import { ProblemNotice } from "../words.tsx";
import { ImportDialog } from "./ImportUsers.tsx";
import { useWork } from "../work.ts";
import { OrgUserField, OrgUserLine } from "./OrgUser.tsx";

const NOBODY_LEFT_OUT: UserFilter = {
  search: "",
  role: "",
  connection: "",
  active: "true",
  org: "",
};

/** What a link from the checklist asks for. */
function filterOf(query: URLSearchParams): UserFilter {
  const role = query.get("role");
  return {
    ...NOBODY_LEFT_OUT,
    role: ROLES.find((each) => each === role) ?? "",
    connection: query.get("connection") === "none" ? "none" : "",
    org: ORG_TROUBLES.find((each) => each === query.get("org")) ?? "",
  };
}

export function UsersPage({ session, query }: { session: PortalSession; query: URLSearchParams }): ReactNode {
  const { t } = useTranslation();
  const [filter, setFilter] = useState(() => filterOf(query));
  const asked = useSettled(filter);
  const { value, problem, again } = useReading(
    `users ${JSON.stringify(asked)}`,
    (signal) => readUsers(asked, null, signal),
    ["users", "connections"],
  );
  const connections = useReading("connections", readConnections, ["connections"]).value?.connections ?? [];
  const [open, setOpen] = useState<User | "new" | null>(null);
  const [importing, setImporting] = useState(false);
  useEffect(() => {
    document.title = t("users.page");
  }, [t]);
  return (
    <>
      <PageHead title={t("users.title")} explain={t("users.explain")}>
        <div className="ad-card__acts">
          <Link to="/portal/help/roles">{t("users.roles.help")}</Link>
          <Button onClick={() => setImporting(true)}>{t("import.open")}</Button>
          <Button variant="brand" onClick={() => setOpen("new")}>
            {t("users.add")}
          </Button>
        </div>
      </PageHead>
      <Filters filter={filter} onChange={setFilter} connections={connections} />
      {problem && <ProblemNotice problem={problem} onRetry={again} />}
      {value === null ? (
        !problem && <Waiting />
      ) : value.users.length === 0 ? (
        <EmptyState
          icon="utility:people"
          title={t("users.none.title")}
          action={
            <Button onClick={() => setFilter({ ...NOBODY_LEFT_OUT, active: "" })}>
              {t("users.none.all")}
            </Button>
          }
        >
          {t("users.none.explain")}
        </EmptyState>
      ) : (
        <Pages
          key={JSON.stringify(asked)}
          first={value}
          filter={asked}
          connections={connections}
          onOpen={setOpen}
        />
      )}
      {importing && <ImportDialog onClose={() => setImporting(false)} />}
      {open !== null && (
        <UserDialog
          key={open === "new" ? open : open.id}
          user={open === "new" ? null : open}
          session={session}
          connections={connections}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}

/** The value once it has not changed for a moment: nobody is asked for every letter typed. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 200);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function Filters({
  filter,
  onChange,
  connections,
}: {
  filter: UserFilter;
  onChange: (filter: UserFilter) => void;
  connections: Connection[];
}): ReactNode {
  const { t } = useTranslation();
  const select = (
    name: "role" | "connection" | "active" | "org",
    word: string,
    options: [string, string][],
  ) => (
    <FormElement label={t(word)}>
      {({ id }) => (
        <select
          id={id}
          className="slds-select"
          value={filter[name]}
          onChange={(event) => onChange({ ...filter, [name]: event.target.value })}
        >
          {options.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      )}
    </FormElement>
  );
  return (
    <div className={`ad-filters ad-filters_${connections.length > 0 ? "five" : "four"}`}>
      <FormElement label={t("users.search")}>
        {({ id }) => (
          <input
            id={id}
            className="slds-input"
            type="search"
            maxLength={100}
            value={filter.search}
            onChange={(event) => onChange({ ...filter, search: event.target.value })}
          />
        )}
      </FormElement>
      {select("role", "users.role", [
        ["", t("users.all")],
        ["owner", t("role.owner")],
        ...ROLES.map((role): [string, string] => [role, t(`role.${role}`)]),
      ])}
      {select("connection", "users.client_integration", [
        ["", t("users.all")],
        ["none", t("users.client_integration.off")],
        ...connections.map(({ id, name }): [string, string] => [id, name]),
      ])}
      {select("active", "users.state", [
        ["true", t("users.state.active")],
        ["false", t("users.state.inactive")],
        ["", t("users.all")],
      ])}
      {connections.length > 0 &&
        select("org", "users.org", [
          ["", t("users.all")],
          ...ORG_TROUBLES.map((each): [string, string] => [each, t(`users.org.${each}`)]),
        ])}
    </div>
  );
}

function Pages({
  first,
  filter,
  connections,
  onOpen,
}: {
  first: UserPage;
  filter: UserFilter;
  connections: Connection[];
  onOpen: (user: User) => void;
}): ReactNode {
  const { t, i18n } = useTranslation();
  const [more, setMore] = useState<UserPage[]>([]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [moreProblem, setMoreProblem] = useState<Problem | null>(null);
  const failure = useFailure();
  const pages = [first, ...more];
  const users = pages.flatMap((page) => page.users);
  const next = pages.at(-1)?.next ?? null;
  const all = users.length > 0 && users.every((user) => chosen.has(user.id));
  const load = async () => {
    try {
      setMoreProblem(null);
      const page = await readUsers(filter, next);
      setMore((before) => [...before, page]);
    } catch (error) {
      setMoreProblem(failure(error));
    }
  };
  // What changed is on the first page's news; pages behind it are read again when asked for.
  useEffect(() => setMore([]), [first]);
  const choose = (id: string) => {
    const changed = new Set(chosen);
    if (!changed.delete(id)) changed.add(id);
    setChosen(changed);
  };
  return (
    <>
      <Together
        chosen={users.filter((user) => chosen.has(user.id))}
        connections={connections}
        onDone={() => setChosen(new Set())}
      />
      <TableBox label={t("users.title")}>
        <table className="slds-table slds-table_bordered ad-table">
          <thead>
            <tr>
              <th scope="col" className="ad-tick">
                <input
                  type="checkbox"
                  aria-label={t("users.choose_all")}
                  checked={all}
                  onChange={() => setChosen(new Set(all ? [] : users.map((user) => user.id)))}
                />
              </th>
              <th scope="col">{t("users.name")}</th>
              <th scope="col">{t("users.email")}</th>
              <th scope="col">{t("users.role")}</th>
              <th scope="col">{t("users.client_integration")}</th>
              <th scope="col">{t("users.state")}</th>
            </tr>
          </thead>
          <tbody>
            {users.map((user) => (
              <tr key={user.id}>
                <td className="ad-cell ad-tick">
                  <input
                    type="checkbox"
                    aria-label={t("users.choose", { name: user.name })}
                    checked={chosen.has(user.id)}
                    onChange={() => choose(user.id)}
                  />
                </td>
                <th scope="row" className="ad-cell">
                  <button type="button" className="slds-button" onClick={() => onOpen(user)}>
                    {user.name}
                  </button>
                </th>
                <td className="ad-cell">{user.email}</td>
                <td className="ad-cell">{user.roles.map((role) => t(`role.${role}`)).join(t("comma"))}</td>
                <td className="ad-cell">
                  {user.connection?.name ?? t("users.client_integration.off")}
                  {user.connection && <OrgUserLine found={user.org_user} />}
                </td>
                <td className="ad-cell">
                  <StateBadge user={user} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableBox>
      <div className="ad-more">
        <p className="ad-weak">
          {t("users.shown", {
            count: users.length,
            total: new Intl.NumberFormat(i18n.language).format(first.total),
          })}
        </p>
        {next !== null && <Button onClick={() => void load()}>{t("users.more")}</Button>}
        {moreProblem && <ProblemNotice problem={moreProblem} />}
      </div>
    </>
  );
}

function StateBadge({ user }: { user: User }): ReactNode {
  const { t } = useTranslation();
  if (!user.active) return <span className="ad-badge ad-badge_bad">{t("users.state.inactive")}</span>;
  if (user.invited) return <span className="ad-badge ad-badge_open">{t("users.state.invited")}</span>;
  return <span className="ad-badge ad-badge_good">{t("users.state.active")}</span>;
}

/** What is done to all chosen users at once. */
function Together({
  chosen,
  connections,
  onDone,
}: {
  chosen: User[];
  connections: Connection[];
  onDone: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [to, setTo] = useState("");
  const { busy, problem, run } = useWork();
  if (chosen.length === 0) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run(async () => {
      await setClientIntegration(
        chosen.map((user) => user.id),
        to === "" ? null : to,
      );
      onDone();
    });
  };
  return (
    <form className="ad-together" onSubmit={submit}>
      <strong>{t("users.chosen", { count: chosen.length })}</strong>
      <ConnectionField value={to} onChange={setTo} connections={connections} />
      <Button type="submit" variant="brand" disabled={busy}>
        {t("users.apply")}
      </Button>
      {problem && <ProblemNotice problem={problem} />}
    </form>
  );
}

function ConnectionField({
  value,
  onChange,
  connections,
}: {
  value: string;
  onChange: (id: string) => void;
  connections: Connection[];
}): ReactNode {
  const { t } = useTranslation();
  return (
    <FormElement label={t("users.client_integration.of")}>
      {({ id }) => (
        <select
          id={id}
          className="slds-select"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        >
          <option value="">{t("users.client_integration.off")}</option>
          {connections.map((each) => (
            <option key={each.id} value={each.id}>
              {each.name}
            </option>
          ))}
        </select>
      )}
    </FormElement>
  );
}

function UserDialog({
  user,
  session,
  connections,
  onClose,
}: {
  user: User | null;
  session: PortalSession;
  connections: Connection[];
  onClose: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const owner = user?.roles.includes("owner") ?? false;
  const [email, setEmail] = useState(user?.email ?? "");
  const [name, setName] = useState(user?.name ?? "");
  const [language, setLanguage] = useState(user?.language ?? session.user.language);
  const [roles, setRoles] = useState<GivenRole[]>(
    user ? ROLES.filter((role) => user.roles.includes(role)) : ["agent"],
  );
  const [active, setActive] = useState(user?.active ?? true);
  const [connection, setConnection] = useState(
    user ? (user.connection?.id ?? "") : connections.length === 1 ? (connections[0]?.id ?? "") : "",
  );
  const [link, setLink] = useState<PasswordLink | null>(null);
  const { busy, problem, run } = useWork();
  const wrong =
    problem?.code === "email_taken"
      ? "email"
      : problem?.code === "input_invalid"
        ? problem.params["field"]
        : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const draft: UserDraft = { name, language, roles, connection_id: connection === "" ? null : connection };
    run(async () => {
      if (user === null) setLink(await addUser(email, draft));
      else {
        await changeUser(user, { ...draft, active });
        onClose();
      }
    });
  };
  const tick = (role: GivenRole) =>
    setRoles(ROLES.filter((each) => (each === role ? !roles.includes(role) : roles.includes(each))));
  const title = user === null ? t("users.add") : t("users.edit", { name: user.name });
  if (link !== null)
    return (
      <Modal title={t("users.link.title")} closeLabel={t("close")} size="small" onClose={onClose}>
        {link.mailed && <Notice variant="info">{t("users.link.mailed", { email })}</Notice>}
        <p>{t("users.link.explain", { name })}</p>
        <FormElement label={t("users.link")}>
          {({ id }) => (
            <input
              id={id}
              className="slds-input slds-m-top_x-small"
              readOnly
              value={link.link}
              onFocus={(event) => event.target.select()}
            />
          )}
        </FormElement>
      </Modal>
    );
  return (
    <Modal
      title={title}
      closeLabel={t("close")}
      size="small"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" form="user-form" variant="brand" disabled={busy || roles.length === 0}>
            {t(user === null ? "users.add.button" : "users.save")}
          </Button>
        </>
      }
    >
      <form id="user-form" className="ad-form" onSubmit={submit}>
        <FormElement
          label={t("users.email")}
          required={user === null}
          requiredLabel={t("required")}
          error={
            wrong === "email"
              ? t(problem?.code === "email_taken" ? "users.wrong.email_taken" : "users.wrong.email")
              : undefined
          }
        >
          {({ id, describedBy, invalid }) => (
            <input
              id={id}
              className="slds-input"
              type="email"
              required
              readOnly={user !== null}
              maxLength={254}
              autoComplete="off"
              aria-invalid={invalid}
              aria-describedby={describedBy}
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </FormElement>
        <FormElement
          label={t("users.name")}
          required
          requiredLabel={t("required")}
          error={wrong === "name" ? t("users.wrong.name") : undefined}
        >
          {({ id, describedBy, invalid }) => (
            <input
              id={id}
              className="slds-input"
              required
              maxLength={120}
              autoComplete="off"
              aria-invalid={invalid}
              aria-describedby={describedBy}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </FormElement>
        <FormElement label={t("users.language")}>
          {({ id }) => (
            <select
              id={id}
              className="slds-select"
              value={language}
              onChange={(event) => setLanguage(event.target.value === "ja" ? "ja" : "en")}
            >
              <option value="en">English</option>
              <option value="ja">日本語</option>
            </select>
          )}
        </FormElement>
        <fieldset className="slds-form-element ad-choices">
          <legend className="slds-form-element__legend slds-form-element__label">{t("users.role")}</legend>
          {ROLES.map((role) => (
            <label key={role} className="ad-check">
              <input
                type="checkbox"
                checked={roles.includes(role)}
                disabled={owner && role === "administrator"}
                onChange={() => tick(role)}
              />
              <span>
                {t(`role.${role}`)}
                <span className="ad-weak ad-choice__more">{t(`role.${role}.may`)}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <ConnectionField value={connection} onChange={setConnection} connections={connections} />
        {user?.connection && <OrgUserField key={user.connection.id} user={user} />}
        {user !== null && (
          <label className="ad-check">
            <input
              type="checkbox"
              checked={active}
              disabled={owner || user.id === session.user.id}
              onChange={() => setActive(!active)}
            />
            <span>
              {t("users.state.active")}
              <span className="ad-weak ad-choice__more">{t("users.active.explain")}</span>
            </span>
          </label>
        )}
        {user !== null && (
          <div>
            <h2 className="slds-form-element__label">{t("users.skills")}</h2>
            <p>
              {user.skills.map((skill) => t("users.skills.one", { ...skill })).join(t("comma")) ||
                t("users.skills.none")}
            </p>
            <p className="ad-weak">{t("users.skills.explain")}</p>
          </div>
        )}
        {user !== null && <UserChanges id={user.id} />}
        {owner && <Notice variant="info">{t("users.owner.explain")}</Notice>}
        {problem && !wrong && <ProblemNotice problem={problem} />}
        {user !== null && (
          <div className="ad-form__acts">
            {(!owner || user.id === session.user.id) && (
              <Button
                disabled={busy}
                onClick={() => run(async () => setLink(await makePasswordLink(user.id)))}
              >
                {t("users.link.make")}
              </Button>
            )}
            {user.second_step && (!owner || user.id === session.user.id) && (
              <ResetStep user={user} onDone={onClose} />
            )}
            {session.user.roles.includes("owner") && !owner && user.active && (
              <HandOver user={user} onDone={onClose} />
            )}
          </div>
        )}
      </form>
    </Modal>
  );
}

const CHANGED: Record<string, string> = {
  active: "users.state.active",
  client_integration: "users.client_integration",
  email: "users.email",
  language: "users.language",
  name: "users.name",
  org_username: "users.org",
  password_link: "users.changed.password_link",
  roles: "users.role",
  second_step: "users.changed.second_step",
  skills: "users.skills",
};

/** Who changed what of the user; folded until somebody wants to know. */
function UserChanges({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const words = (name: string, value: unknown): string => {
    if (name === "roles" && Array.isArray(value))
      return value.map((role) => t(`role.${String(role)}`)).join(t("comma"));
    if (name === "skills")
      return (
        Object.entries(value as Record<string, number>)
          .map(([skill, level]) => t("users.skills.one", { name: skill, level }))
          .join(t("comma")) || "–"
      );
    if (name === "language") return value === "ja" ? "日本語" : "English";
    return String(value);
  };
  return (
    <details className="ad-folded" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("account.changes")}</summary>
      {open && <Loaded id={id} label={(name) => t(CHANGED[name] ?? "users.state")} word={words} />}
    </details>
  );
}

function Loaded({
  id,
  ...words
}: {
  id: string;
  label: (name: string) => string;
  word: (name: string, value: unknown) => string;
}): ReactNode {
  const { t } = useTranslation();
  const { value, problem, again } = useReading(`changes ${id}`, (signal) => readUserChanges(id, signal), [
    "users",
  ]);
  if (problem) return <ProblemNotice problem={problem} onRetry={again} />;
  if (value === null) return <Spinner label={t("loading")} inline />;
  return <ChangeList changes={value} {...words} />;
}

/** For a lost phone: asked for twice, because it makes signing in easier for whoever has the password. */
function ResetStep({ user, onDone }: { user: User; onDone: () => void }): ReactNode {
  const { t } = useTranslation();
  const [sure, setSure] = useState(false);
  const { busy, problem, run } = useWork();
  if (!sure) return <Button onClick={() => setSure(true)}>{t("users.second_step.reset")}…</Button>;
  return (
    <div>
      <Notice variant="warning">{t("users.second_step.reset.explain", { name: user.name })}</Notice>
      <Button
        variant="destructive"
        className="slds-m-top_x-small"
        disabled={busy}
        onClick={() =>
          run(async () => {
            await resetSecondStep(user.id);
            onDone();
          })
        }
      >
        {t("users.second_step.reset")}
      </Button>
      {problem && <ProblemNotice problem={problem} />}
    </div>
  );
}

/** The owner gives the account to somebody else: asked for twice, because only the new owner can give it back. */
function HandOver({ user, onDone }: { user: User; onDone: () => void }): ReactNode {
  const { t } = useTranslation();
  const [sure, setSure] = useState(false);
  const { busy, problem, run } = useWork();
  if (!sure) return <Button onClick={() => setSure(true)}>{t("users.hand_over")}</Button>;
  return (
    <div>
      <Notice variant="warning">{t("users.hand_over.explain", { name: user.name })}</Notice>
      <Button
        variant="destructive"
        className="slds-m-top_x-small"
        disabled={busy}
        onClick={() =>
          run(async () => {
            await handOver(user.id);
            location.reload();
            onDone();
          })
        }
      >
        {t("users.hand_over.button")}
      </Button>
      {problem && <ProblemNotice problem={problem} />}
    </div>
  );
}
