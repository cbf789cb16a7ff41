/** Permission sets: list, what each opens, and who has it. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Modal } from "../../ui/controls.tsx";
import { navigate, setupPath } from "../router.ts";
import { permissionSets, type Assignee } from "./data.ts";
import {
  Card,
  Check,
  nameOf,
  SetupHeader,
  SetupLink,
  Shown,
  Table,
  TextField,
  useAsk,
  when,
  type Column,
} from "./parts.tsx";
import { ListHeader, PeopleTable, useChoice } from "./shared.tsx";
import { ObjectPage, PermissionSetPage, SetDialog } from "./PermissionSetPage.tsx";
import type { PageProps } from "./tree.ts";
import { may } from "./SetupGear.tsx";

const NODE = "PermSets";
const ICON = "utility:lock";

export function PermissionSetPages({ rest }: PageProps): ReactNode {
  const [first = "home", view = "view", object = ""] = rest;
  if (first === "home") return <SetList />;
  if (view === "assignments") return <Assignments id={first} />;
  return view === "object" ? <ObjectPage id={first} name={object} /> : <PermissionSetPage id={first} />;
}

function SetList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(permissionSets.list, "list");
  const [making, setMaking] = useState(false);
  return (
    <>
      <ListHeader
        title={t("sets.title")}
        icon={ICON}
        permission="ManageUsers"
        onNew={() => setMaking(true)}
      />
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
      {making && (
        <SetDialog
          set={null}
          onClose={() => setMaking(false)}
          onSaved={(id) => navigate(setupPath(NODE, id, "view"))}
        />
      )}
    </>
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
  const choice = useChoice();
  const [adding, setAdding] = useState(false);
  const columns = useAssigneeColumns(true);
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
                    disabled={!choice.ready}
                    onClick={() =>
                      void choice
                        .act(
                          (users) => permissionSets.unassign(id, users),
                          (count) => t("sets.unassigned", { count }),
                        )
                        .then(() => asked.again())
                    }
                  >
                    {t("sets.removeAssignment")}
                  </Button>
                </>
              )
            }
          />
          <Card title={t("sets.assigned")}>
            <PeopleTable
              label={t("sets.assigned")}
              rows={assigned}
              empty={t("sets.assigned.none")}
              columns={columns}
              choice={choice}
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
  const choice = useChoice();
  const [text, setText] = useState("");
  const [until, setUntil] = useState("");
  const columns = useAssigneeColumns(false);
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
            disabled={!choice.ready}
            onClick={() =>
              void choice
                .act(
                  (users) =>
                    permissionSets.assign(id, users, until === "" ? null : new Date(until).toISOString()),
                  (count) => t("sets.assignedNow", { count }),
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
      <div className="setup-form slds-m-bottom_small">
        <TextField label={t("sets.search")} type="search" value={text} maxLength={100} onChange={setText} />
        <TextField label={t("sets.expires")} type="datetime-local" value={until} onChange={setUntil} />
      </div>
      <PeopleTable
        label={t("sets.people")}
        rows={shown.slice(0, 200)}
        empty={t("callCenters.found.none")}
        columns={columns}
        choice={choice}
      />
    </Modal>
  );
}
