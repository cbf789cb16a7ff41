/** Call centers: introduction, list, import, detail, edit, clone, delete; the users are in CallCenterUsers. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice } from "../../ui/controls.tsx";
import { navigate, setupPath } from "../router.ts";
import { Link } from "../shell/Link.tsx";
import { AddUsers, ManageUsers, NODE } from "./CallCenterUsers.tsx";
import { callCenters, type CallCenterDetail } from "./data.ts";
import {
  Card,
  Refusal,
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
import { Doing, FormDialog } from "./shared.tsx";
import type { PageProps } from "./tree.ts";
import { may } from "./SetupGear.tsx";

const ICON = "utility:call";
const SEEN = "setup-call-centers-introduced";

export function CallCenterPages({ rest }: PageProps): ReactNode {
  const [first = "home", view = "view"] = rest;
  if (first === "home") return <CallCenterList />;
  if (first === "import") return <ImportCallCenter />;
  if (view === "edit") return <EditCallCenter id={first} />;
  if (view === "users") return <ManageUsers id={first} />;
  if (view === "add-users") return <AddUsers id={first} />;
  return <CallCenter id={first} />;
}

function introduced(): boolean {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return true;
  }
}

function CallCenterList(): ReactNode {
  const { t } = useTranslation();
  const [intro, setIntro] = useState(() => !introduced());
  const asked = useAsk(callCenters.list, "list");
  if (intro) {
    return (
      <>
        <SetupHeader title={t("callCenters.title")} icon={ICON} />
        <Card title={t("callCenters.intro.title")}>
          <div className="slds-text-longform">
            <p>{t("callCenters.intro.what")}</p>
            <ol>
              <li>{t("callCenters.intro.import")}</li>
              <li>{t("callCenters.intro.users")}</li>
              <li>{t("callCenters.intro.layout")}</li>
            </ol>
          </div>
          <div className="setup-actions">
            <Button
              variant="brand"
              onClick={() => {
                try {
                  localStorage.setItem(SEEN, "1");
                } catch {
                  // A browser that keeps nothing shows the introduction again.
                }
                setIntro(false);
              }}
            >
              {t("setup.continue")}
            </Button>
          </div>
        </Card>
      </>
    );
  }
  return (
    <>
      <SetupHeader
        title={t("callCenters.all")}
        icon={ICON}
        actions={
          may("ManageCallCenters") && (
            <Button variant="brand" onClick={() => navigate(setupPath(NODE, "import"))}>
              {t("callCenters.import")}
            </Button>
          )
        }
      />
      <Card title={t("callCenters.all")}>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("callCenters.all")}
              rows={rows}
              rowKey={(row) => row.id}
              empty={t("callCenters.none")}
              columns={[
                {
                  key: "action",
                  label: t("setup.action"),
                  width: "7rem",
                  show: (row) =>
                    may("ManageCallCenters") && (
                      <Link
                        to={setupPath(NODE, row.id, "edit")}
                        aria-label={t("setup.edit.of", { name: row.display_name })}
                      >
                        {t("setup.edit")}
                      </Link>
                    ),
                },
                {
                  key: "name",
                  label: t("callCenters.name"),
                  head: true,
                  show: (row) => (
                    <SetupLink node={NODE} rest={[row.id, "view"]}>
                      {row.display_name}
                    </SetupLink>
                  ),
                },
                {
                  key: "url",
                  label: t("callCenters.adapterUrl"),
                  show: (row) => (
                    <>
                      {row.adapter_url}
                      {row.foreign_host && (
                        <span className="slds-badge slds-m-left_x-small">{t("callCenters.checkHost")}</span>
                      )}
                    </>
                  ),
                },
                { key: "users", label: t("callCenters.userCount"), show: (row) => row.user_ids.length },
                { key: "created", label: t("setup.created"), show: (row) => when(row.created_at) },
                { key: "modified", label: t("setup.modified"), show: (row) => when(row.modified_at) },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

function ImportCallCenter(): ReactNode {
  const { t } = useTranslation();
  const [file, setFile] = useState<File | null>(null);
  const change = useChange();
  const save = async () => {
    if (file === null) return;
    await change.run(async () => {
      const made = await callCenters.import(file);
      navigate(setupPath(NODE, made.id, "view"));
    }, t("callCenters.imported"));
  };
  return (
    <>
      <SetupHeader
        title={t("callCenters.import.title")}
        icon={ICON}
        crumb={{ label: t("callCenters.all"), to: setupPath(NODE) }}
      />
      <Card title={t("callCenters.import.title")}>
        <Refusal error={change.error} title={t("callCenters.import.refused")} />
        <p className="slds-m-bottom_small">{t("callCenters.import.hint")}</p>
        <div className="slds-form-element">
          <label className="slds-form-element__label" htmlFor="call-center-file">
            {t("callCenters.import.file")}
          </label>
          <div className="slds-form-element__control">
            <input
              id="call-center-file"
              className="setup-file"
              type="file"
              accept=".xml,text/xml,application/xml"
              onChange={(event) => {
                setFile(event.target.files?.[0] ?? null);
                change.clear();
              }}
            />
          </div>
        </div>
        <div className="setup-actions">
          <Button variant="brand" disabled={file === null || change.busy} onClick={() => void save()}>
            {t("callCenters.import")}
          </Button>
          <Button onClick={() => navigate(setupPath(NODE))}>{t("form.cancel")}</Button>
        </div>
      </Card>
    </>
  );
}

/** The item's own label, or its name. */
const labelOf = (item: { label: string | null; name: string }): string => item.label || item.name;

const GENERAL = "reqGeneralInfo";

/** Sections as the page shows them: the two names of reqGeneralInfo stand first in it. */
function sectionsOf(center: CallCenterDetail, words: { internal: string; display: string }) {
  return center.sections.map((section) => ({
    ...section,
    items:
      section.name === GENERAL
        ? [
            { name: "reqInternalName", label: words.internal, value: center.internal_name },
            {
              name: "reqDisplayName",
              label: center.display_label ?? words.display,
              value: center.display_name,
            },
            ...section.items,
          ]
        : section.items,
  }));
}

function CallCenter({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => callCenters.show(id), id);
  const [dialog, setDialog] = useState<"delete" | "clone" | null>(null);
  const change = useChange();
  const manager = may("ManageCallCenters");
  return (
    <Shown of={asked}>
      {(center) => (
        <>
          <SetupHeader
            title={center.display_name}
            icon={ICON}
            crumb={{ label: t("callCenters.all"), to: setupPath(NODE) }}
            actions={
              <>
                {manager && (
                  <>
                    <Button variant="brand" onClick={() => navigate(setupPath(NODE, id, "edit"))}>
                      {t("setup.edit")}
                    </Button>
                    <Button onClick={() => setDialog("delete")}>{t("setup.delete")}</Button>
                    <Button onClick={() => setDialog("clone")}>{t("setup.clone")}</Button>
                  </>
                )}
                <a className="slds-button slds-button_neutral" href={callCenters.definition(id)} download>
                  {t("callCenters.export")}
                </a>
              </>
            }
          />
          {center.corrections.length > 0 && (
            <div className="slds-m-bottom_small">
              <Notice variant="warning">
                <p className="slds-m-bottom_x-small">
                  {t("callCenters.host", { url: center.adapter_url ?? "" })}
                </p>
                <Refusal error={change.error} />
                {manager && (
                  <span className="setup-table__buttons">
                    {center.corrections.map((url) => (
                      <Button
                        key={url}
                        disabled={change.busy}
                        onClick={() =>
                          void change
                            .run(() => callCenters.change(id, { adapter_url: url }), t("setup.saved"))
                            .then(() => asked.again())
                        }
                      >
                        {t("callCenters.host.use", { url })}
                      </Button>
                    ))}
                  </span>
                )}
              </Notice>
            </div>
          )}
          {sectionsOf(center, {
            internal: t("callCenters.internalName"),
            display: t("callCenters.displayName"),
          }).map((section) => (
            <Card key={section.name} title={section.label || section.name}>
              <Values of={section.items.map((item) => [labelOf(item), item.value])} />
            </Card>
          ))}
          <Card
            title={t("callCenters.users")}
            actions={
              <Button onClick={() => navigate(setupPath(NODE, id, "users"))}>
                {t("callCenters.manageUsers")}
              </Button>
            }
          >
            <ProfileCounts center={center} />
          </Card>
          <Card title={t("setup.history")}>
            <Values
              of={[
                [t("setup.createdBy"), `${center.created_by ?? ""}, ${when(center.created_at)}`],
                [t("setup.modifiedBy"), `${center.modified_by ?? ""}, ${when(center.modified_at)}`],
              ]}
            />
          </Card>
          {dialog === "delete" && (
            <Doing
              title={t("callCenters.delete.title")}
              work={() => callCenters.remove(id)}
              done={t("setup.deleted", { name: center.display_name })}
              onClose={() => setDialog(null)}
              onDone={() => navigate(setupPath(NODE))}
            >
              {center.users.length > 0
                ? t("callCenters.delete.users", { count: center.users.length, name: center.display_name })
                : t("callCenters.delete.hint", { name: center.display_name })}
            </Doing>
          )}
          {dialog === "clone" && <CloneDialog center={center} onClose={() => setDialog(null)} />}
        </>
      )}
    </Shown>
  );
}

/** How many users of each profile work in the call center. */
function ProfileCounts({ center }: { center: CallCenterDetail }): ReactNode {
  const { t } = useTranslation();
  const counts = new Map<string, number>();
  for (const user of center.users) counts.set(user.profile, (counts.get(user.profile) ?? 0) + 1);
  return (
    <Table
      label={t("callCenters.users")}
      rows={[...counts]}
      rowKey={([profile]) => profile}
      empty={t("callCenters.users.none")}
      columns={[
        { key: "profile", label: t("users.profile"), head: true, show: ([profile]) => profile },
        { key: "users", label: t("callCenters.userCount"), show: ([, count]) => count },
      ]}
    />
  );
}

function CloneDialog({ center, onClose }: { center: CallCenterDetail; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const [internalName, setInternalName] = useState("");
  const [displayName, setDisplayName] = useState(center.display_name);
  return (
    <FormDialog
      title={t("callCenters.clone.title", { name: center.display_name })}
      size="small"
      done={t("callCenters.cloned")}
      onClose={onClose}
      onSaved={(made) => navigate(setupPath(NODE, made.id, "view"))}
      save={() => callCenters.clone(center.id, { internal_name: internalName, display_name: displayName })}
    >
      <TextField
        label={t("callCenters.internalName")}
        required
        value={internalName}
        maxLength={40}
        help={t("callCenters.internalName.help")}
        onChange={setInternalName}
      />
      <TextField
        label={t("callCenters.displayName")}
        required
        value={displayName}
        maxLength={80}
        onChange={setDisplayName}
      />
    </FormDialog>
  );
}

function EditCallCenter({ id }: { id: string }): ReactNode {
  const asked = useAsk(() => callCenters.show(id), id);
  return <Shown of={asked}>{(center) => <EditForm center={center} />}</Shown>;
}

function EditForm({ center }: { center: CallCenterDetail }): ReactNode {
  const { t } = useTranslation();
  const [displayName, setDisplayName] = useState(center.display_name);
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(
      center.sections.flatMap((section) =>
        section.items.map((item) => [`/${section.name}/${item.name}`, item.value]),
      ),
    ),
  );
  const change = useChange();
  const back = setupPath(NODE, center.id, "view");
  return (
    <>
      <SetupHeader
        title={t("callCenters.edit.title", { name: center.display_name })}
        icon={ICON}
        crumb={{ label: center.display_name, to: back }}
      />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void change.run(async () => {
            await callCenters.change(center.id, { display_name: displayName, values });
            navigate(back);
          }, t("setup.saved"));
        }}
      >
        <Refusal error={change.error} />
        {center.sections.map((section) => (
          <Card key={section.name} title={section.label || section.name}>
            <div className="setup-form">
              {section.name === GENERAL && (
                <>
                  <TextField
                    label={t("callCenters.internalName")}
                    value={center.internal_name}
                    disabled
                    onChange={() => undefined}
                  />
                  <TextField
                    label={center.display_label ?? t("callCenters.displayName")}
                    required
                    value={displayName}
                    maxLength={80}
                    onChange={setDisplayName}
                  />
                </>
              )}
              {section.items.map((item) => {
                const path = `/${section.name}/${item.name}`;
                return (
                  <TextField
                    key={path}
                    label={labelOf(item)}
                    value={values[path] ?? ""}
                    maxLength={2000}
                    onChange={(value) => setValues((current) => ({ ...current, [path]: value }))}
                  />
                );
              })}
            </div>
          </Card>
        ))}
        <div className="setup-actions">
          <Button type="submit" variant="brand" disabled={change.busy}>
            {t("form.save")}
          </Button>
          <Button onClick={() => navigate(back)}>{t("form.cancel")}</Button>
        </div>
      </form>
    </>
  );
}
