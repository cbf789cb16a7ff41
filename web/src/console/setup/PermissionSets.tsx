/** Permission sets: list, what each opens, and who has it. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal } from "../../ui/controls.tsx";
import { navigate, setupPath } from "../router.ts";
import { permissionSets, type Assignee, type OpenedObject } from "./data.ts";
import {
  Card,
  Check,
  nameOf,
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
  type Column,
} from "./parts.tsx";
import type { PageProps } from "./SetupPage.tsx";
import { may } from "./SetupGear.tsx";

const NODE = "PermSets";
const ICON = "utility:lock";
const NOBODY: ReadonlySet<string> = new Set();
const RIGHTS = ["Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords"] as const;

export function PermissionSetPages({ rest }: PageProps): ReactNode {
  const [first = "home", view = "view", object = ""] = rest;
  if (first === "home") return <SetList />;
  if (view === "assignments") return <Assignments id={first} />;
  return <PermissionSet id={first} object={view === "object" ? object : null} />;
}

function SetList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(permissionSets.list, "list");
  return (
    <>
      <SetupHeader title={t("sets.title")} icon={ICON} />
      <Card title={t("sets.title")}>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("sets.title")}
              rows={rows}
              rowKey={(row) => row.id}
              empty={t("sets.none")}
              columns={[
                {
                  key: "label",
                  label: t("sets.label"),
                  head: true,
                  show: (row) => (
                    <SetupLink node={NODE} rest={[row.id, "view"]}>
                      {row.label}
                    </SetupLink>
                  ),
                },
                { key: "name", label: t("sets.name"), show: (row) => row.name },
                { key: "description", label: t("sets.description"), show: (row) => row.description },
                {
                  key: "users",
                  label: t("sets.users"),
                  show: (row) => (
                    <SetupLink node={NODE} rest={[row.id, "assignments"]}>
                      {t("sets.users.count", { count: row.users })}
                    </SetupLink>
                  ),
                },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

function PermissionSet({ id, object }: { id: string; object: string | null }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => permissionSets.show(id), id);
  const columns: Column<OpenedObject>[] = [
    {
      key: "label",
      label: t("sets.object"),
      head: true,
      show: (row) => (
        <SetupLink node={NODE} rest={[id, "object", row.name]}>
          {row.label}
        </SetupLink>
      ),
    },
    { key: "name", label: t("sets.apiName"), show: (row) => row.name },
    ...RIGHTS.map((right) => ({
      key: right,
      label: t(`right.${right}`),
      show: (row: OpenedObject) => <Check value={row[right]} />,
    })),
  ];
  const opened: Column<OpenedObject>[] = [
    { key: "label", label: t("sets.label"), head: true, show: (row) => row.label },
    { key: "name", label: t("sets.apiName"), show: (row) => row.name },
    { key: "Read", label: t("sets.opened"), show: (row) => <Check value={row.Read} /> },
  ];
  return (
    <Shown of={asked}>
      {(set) => {
        const shown = object === null ? undefined : set.objects.find((each) => each.name === object);
        return (
          <>
            <SetupHeader
              title={shown === undefined ? set.label : `${set.label}: ${shown.label}`}
              icon={ICON}
              crumb={
                shown === undefined
                  ? set.owned_by_profile
                    ? { label: t("profiles.title"), to: setupPath("Profiles") }
                    : { label: t("sets.title"), to: setupPath(NODE) }
                  : { label: set.label, to: setupPath(NODE, id, "view") }
              }
              actions={
                !set.owned_by_profile && (
                  <Button variant="brand" onClick={() => navigate(setupPath(NODE, id, "assignments"))}>
                    {t("sets.manage")}
                  </Button>
                )
              }
            />
            {shown !== undefined ? (
              <>
                <Card title={t("sets.objectPermissions")}>
                  <Values
                    of={RIGHTS.map((right) => [
                      t(`right.${right}`),
                      <Check key={right} value={shown[right]} />,
                    ])}
                  />
                </Card>
                <Card title={t("sets.fieldPermissions")}>
                  <Table
                    label={t("sets.fieldPermissions")}
                    rows={shown.fields}
                    rowKey={(row) => row.name}
                    empty={t("sets.fields.none")}
                    columns={[
                      { key: "label", label: t("sets.field"), head: true, show: (row) => row.label },
                      { key: "name", label: t("sets.apiName"), show: (row) => row.name },
                      { key: "read", label: t("sets.readAccess"), show: (row) => <Check value={row.read} /> },
                      { key: "edit", label: t("sets.editAccess"), show: (row) => <Check value={row.edit} /> },
                    ]}
                  />
                </Card>
              </>
            ) : (
              <>
                <Card title={t("sets.overview")}>
                  <Values
                    of={[
                      [t("sets.name"), set.name],
                      [t("sets.namespace"), set.namespace],
                      [t("sets.description"), set.description],
                    ]}
                  />
                </Card>
                <Card title={t("sets.objectSettings")}>
                  <Table
                    label={t("sets.objectSettings")}
                    rows={set.objects}
                    rowKey={(row) => row.name}
                    empty={t("sets.nothing")}
                    columns={columns}
                  />
                </Card>
                {set.tabs !== undefined && (
                  <Card title={t("sets.tabs")}>
                    <Table
                      label={t("sets.tabs")}
                      rows={set.tabs}
                      rowKey={(row) => row.name}
                      empty={t("sets.nothing")}
                      columns={[
                        { key: "label", label: t("sets.tab"), head: true, show: (row) => row.label },
                        {
                          key: "visibility",
                          label: t("sets.visibility"),
                          show: (row) => t(`visibility.${row.visibility}`),
                        },
                      ]}
                    />
                  </Card>
                )}
                {(["custom_metadata", "custom_settings"] as const).map((kind) => (
                  <Card key={kind} title={t(`sets.${kind}`)}>
                    <Table
                      label={t(`sets.${kind}`)}
                      rows={set[kind]}
                      rowKey={(row) => row.name}
                      empty={t("sets.nothing")}
                      columns={opened}
                    />
                  </Card>
                ))}
                <Card title={t("sets.callCenters")}>
                  <p className="slds-m-bottom_small">{t("sets.callCenters.hint")}</p>
                  <Table
                    label={t("sets.callCenters")}
                    rows={set.call_centers}
                    rowKey={(row) => row.id}
                    empty={t("sets.callCenters.none")}
                    columns={[
                      {
                        key: "name",
                        label: t("callCenters.name"),
                        head: true,
                        show: (row) => (
                          <SetupLink node="CallCenters" rest={[row.id, "view"]}>
                            {row.name}
                          </SetupLink>
                        ),
                      },
                      { key: "users", label: t("callCenters.userCount"), show: (row) => row.users },
                    ]}
                  />
                </Card>
                <Card title={t("sets.systemPermissions")}>
                  <Table
                    label={t("sets.systemPermissions")}
                    rows={set.permissions}
                    rowKey={(row) => row.name}
                    empty={t("sets.nothing")}
                    columns={[
                      { key: "label", label: t("sets.permission"), head: true, show: (row) => row.label },
                      { key: "name", label: t("sets.apiName"), show: (row) => row.name },
                    ]}
                  />
                </Card>
              </>
            )}
          </>
        );
      }}
    </Shown>
  );
}

function useAssigneeColumns(expiry: boolean): Column<Assignee>[] {
  const { t } = useTranslation();
  return [
    {
      key: "name",
      label: t("users.fullName"),
      head: true,
      show: (row) => (
        <SetupLink node="ManageUsers" rest={[row.id, "view"]}>
          {nameOf(row)}
        </SetupLink>
      ),
    },
    { key: "username", label: t("users.username"), show: (row) => row.username },
    { key: "profile", label: t("users.profile"), show: (row) => row.profile },
    { key: "active", label: t("users.active"), show: (row) => <Check value={row.active} /> },
    ...(expiry
      ? [
          {
            key: "expires",
            label: t("sets.expires"),
            show: (row: Assignee) => when(row.expires_at) || t("sets.expires.never"),
          },
        ]
      : []),
  ];
}

function Assignments({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => Promise.all([permissionSets.show(id), permissionSets.assignments(id)]), id);
  const [chosen, setChosen] = useState(NOBODY);
  const [adding, setAdding] = useState(false);
  const columns = useAssigneeColumns(true);
  const change = useChange();
  const allowed = may("AssignPermissionSets");
  return (
    <Shown of={asked}>
      {([set, { assigned, others }]) => (
        <>
          <SetupHeader
            title={t("sets.assignments", { name: set.label })}
            icon={ICON}
            crumb={{ label: set.label, to: setupPath(NODE, id, "view") }}
            actions={
              allowed && (
                <>
                  <Button variant="brand" onClick={() => setAdding(true)}>
                    {t("sets.addAssignment")}
                  </Button>
                  <Button
                    disabled={chosen.size === 0 || change.busy}
                    onClick={() =>
                      void change
                        .run(
                          () => permissionSets.unassign(id, [...chosen]),
                          t("sets.unassigned", { count: chosen.size }),
                        )
                        .then(async (done) => {
                          if (done) setChosen(NOBODY);
                          await asked.again();
                        })
                    }
                  >
                    {t("sets.removeAssignment")}
                  </Button>
                </>
              )
            }
          />
          <Refusal error={change.error} />
          <Card title={t("sets.assigned")}>
            <Table
              label={t("sets.assigned")}
              rows={assigned}
              rowKey={(row) => row.id}
              rowName={nameOf}
              empty={t("sets.assigned.none")}
              columns={columns}
              chosen={chosen}
              onChosen={setChosen}
            />
          </Card>
          {adding && (
            <AddAssignments
              id={id}
              people={others}
              onClose={() => setAdding(false)}
              onDone={() => {
                setAdding(false);
                void asked.again();
              }}
            />
          )}
        </>
      )}
    </Shown>
  );
}

function AddAssignments({
  id,
  people,
  onClose,
  onDone,
}: {
  id: string;
  people: Assignee[];
  onClose: () => void;
  onDone: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState(NOBODY);
  const [text, setText] = useState("");
  const [until, setUntil] = useState("");
  const columns = useAssigneeColumns(false);
  const change = useChange();
  const wanted = text.trim().toLowerCase();
  const shown = people.filter((each) =>
    [nameOf(each), each.username, each.profile].join(" ").toLowerCase().includes(wanted),
  );
  return (
    <Modal
      title={t("sets.addAssignment")}
      closeLabel={t("form.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("form.cancel")}</Button>
          <Button
            variant="brand"
            disabled={chosen.size === 0 || change.busy}
            onClick={() =>
              void change
                .run(
                  () =>
                    permissionSets.assign(
                      id,
                      [...chosen],
                      until === "" ? null : new Date(until).toISOString(),
                    ),
                  t("sets.assignedNow", { count: chosen.size }),
                )
                .then((done) => {
                  if (done) onDone();
                })
            }
          >
            {t("sets.assign")}
          </Button>
        </>
      }
    >
      <Refusal error={change.error} />
      <div className="setup-form slds-m-bottom_small">
        <TextField label={t("sets.search")} type="search" value={text} maxLength={100} onChange={setText} />
        <TextField label={t("sets.expires")} type="datetime-local" value={until} onChange={setUntil} />
      </div>
      <Table
        label={t("sets.people")}
        rows={shown.slice(0, 200)}
        rowKey={(row) => row.id}
        rowName={nameOf}
        empty={t("callCenters.found.none")}
        columns={columns}
        chosen={chosen}
        onChosen={setChosen}
      />
    </Modal>
  );
}
