/** Profiles and roles, plainly. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { people, type RoleRow } from "./data.ts";
import { Card, SelectField, SetupHeader, SetupLink, Shown, Table, TextField, useAsk } from "./parts.tsx";
import { ObjectPage, PermissionSetPage } from "./PermissionSetPage.tsx";
import { EditedList, FormDialog } from "./shared.tsx";
import type { PageProps } from "./tree.ts";

export function ProfilePages({ rest }: PageProps): ReactNode {
  const [first = "home", view = "view", object = ""] = rest;
  if (first === "home") return <ProfileList />;
  return view === "object" ? <ObjectPage id={first} name={object} /> : <PermissionSetPage id={first} />;
}

function ProfileList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(people.profiles, "profiles");
  return (
    <>
      <SetupHeader title={t("profiles.title")} icon="utility:identity" />
      <Card title={t("profiles.title")}>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("profiles.title")}
              rows={rows}
              rowKey={(row) => row.id}
              empty=""
              columns={[
                {
                  key: "name",
                  label: t("profiles.name"),
                  head: true,
                  show: (row) =>
                    row.permission_set === null ? (
                      row.name
                    ) : (
                      <SetupLink node="Profiles" rest={[row.permission_set, "view"]}>
                        {row.name}
                      </SetupLink>
                    ),
                },
                { key: "description", label: t("sets.description"), show: (row) => row.description },
                { key: "users", label: t("profiles.users"), show: (row) => row.users },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

/** Roles in the order of the hierarchy, each with its depth. */
export function hierarchy(rows: RoleRow[]): { role: RoleRow; depth: number }[] {
  const known = new Set(rows.map((row) => row.id));
  const below = (parent: string | null, depth: number): { role: RoleRow; depth: number }[] =>
    rows
      .filter((row) => (row.parent !== null && known.has(row.parent) ? row.parent : null) === parent)
      .flatMap((role) => [{ role, depth }, ...below(role.id, depth + 1)]);
  return below(null, 0);
}

export function RolesPage(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(people.roles, "roles");
  return (
    <EditedList
      title={t("roles.title")}
      heading={t("roles.hierarchy")}
      icon="utility:hierarchy"
      permission="ManageUsers"
      label={t("roles.new")}
      empty={t("roles.none")}
      asked={asked}
      rows={(roles) => hierarchy(roles).map(({ role, depth }) => ({ ...role, depth }))}
      named={(row) => row.name}
      columns={() => [
        {
          key: "name",
          label: t("roles.name"),
          head: true,
          show: (row) => <span style={{ paddingInlineStart: `${row.depth * 1.5}rem` }}>{row.name}</span>,
        },
        { key: "api", label: t("sets.apiName"), show: (row) => row.developer_name },
        { key: "users", label: t("profiles.users"), show: (row) => row.users },
      ]}
      dialog={(role, roles, then) => <RoleDialog role={role} roles={roles} {...then} />}
      removal={{
        title: t("roles.delete"),
        work: (row) => people.removeRole(row.id),
        explain: (row) => t("roles.delete.hint", { name: row.name }),
      }}
    />
  );
}

function RoleDialog({
  role,
  roles,
  onClose,
  onSaved,
}: {
  role: RoleRow | null;
  roles: RoleRow[];
  onClose: () => void;
  onSaved: () => void;
}): ReactNode {
  const { t } = useTranslation();
  const [name, setName] = useState(role?.name ?? "");
  const [apiName, setApiName] = useState(role?.developer_name ?? "");
  const [parent, setParent] = useState(role?.parent ?? "");
  return (
    <FormDialog
      title={role === null ? t("roles.new") : t("roles.edit", { name: role.name })}
      size="small"
      onClose={onClose}
      onSaved={onSaved}
      save={() =>
        people.saveRole(role?.id ?? null, {
          name,
          developer_name: apiName,
          parent: parent === "" ? null : parent,
        })
      }
    >
      <TextField label={t("roles.name")} required value={name} maxLength={80} onChange={setName} />
      <TextField label={t("sets.apiName")} required value={apiName} maxLength={80} onChange={setApiName} />
      <SelectField
        label={t("roles.reportsTo")}
        value={parent}
        onChange={setParent}
        options={[
          { value: "", label: t("form.none") },
          ...roles
            .filter((each) => each.id !== role?.id)
            .map((each) => ({ value: each.id, label: each.name })),
        ]}
      />
    </FormDialog>
  );
}
