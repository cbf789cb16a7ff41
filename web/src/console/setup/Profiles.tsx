/** Profiles and roles, plainly. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { people, type RoleRow } from "./data.ts";
import { Card, SelectField, SetupHeader, SetupLink, Shown, Table, TextField, useAsk } from "./parts.tsx";
import { Doing, FormDialog, ListHeader } from "./shared.tsx";
import { may } from "./SetupGear.tsx";

export function ProfilesPage(): ReactNode {
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
                      <SetupLink node="PermSets" rest={[row.permission_set, "view"]}>
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
  const [edited, setEdited] = useState<RoleRow | "new" | null>(null);
  const [doomed, setDoomed] = useState<RoleRow | null>(null);
  const manager = may("ManageUsers");
  return (
    <>
      <ListHeader
        title={t("roles.title")}
        icon="utility:hierarchy"
        permission="ManageUsers"
        label={t("roles.new")}
        onNew={() => setEdited("new")}
      />
      <Card title={t("roles.hierarchy")}>
        <Shown of={asked}>
          {(rows) => (
            <>
              <Table
                label={t("roles.hierarchy")}
                rows={hierarchy(rows)}
                rowKey={({ role }) => role.id}
                empty={t("roles.none")}
                columns={[
                  {
                    key: "name",
                    label: t("roles.name"),
                    head: true,
                    show: ({ role, depth }) => (
                      <span style={{ paddingInlineStart: `${depth * 1.5}rem` }}>{role.name}</span>
                    ),
                  },
                  { key: "api", label: t("sets.apiName"), show: ({ role }) => role.developer_name },
                  { key: "users", label: t("profiles.users"), show: ({ role }) => role.users },
                  {
                    key: "action",
                    label: t("setup.action"),
                    show: ({ role }) =>
                      manager && (
                        <span className="setup-table__buttons">
                          <button
                            type="button"
                            className="slds-button"
                            aria-label={t("setup.edit.of", { name: role.name })}
                            onClick={() => setEdited(role)}
                          >
                            {t("setup.edit")}
                          </button>
                          <button
                            type="button"
                            className="slds-button"
                            aria-label={t("setup.delete.of", { name: role.name })}
                            onClick={() => setDoomed(role)}
                          >
                            {t("setup.delete")}
                          </button>
                        </span>
                      ),
                  },
                ]}
              />
              {edited !== null && (
                <RoleDialog
                  role={edited === "new" ? null : edited}
                  roles={rows}
                  onClose={() => setEdited(null)}
                  onSaved={() => {
                    setEdited(null);
                    void asked.again();
                  }}
                />
              )}
            </>
          )}
        </Shown>
      </Card>
      {doomed !== null && (
        <Doing
          title={t("roles.delete")}
          work={() => people.removeRole(doomed.id)}
          done={t("setup.deleted", { name: doomed.name })}
          onClose={() => setDoomed(null)}
          onDone={() => {
            setDoomed(null);
            void asked.again();
          }}
        >
          {t("roles.delete.hint", { name: doomed.name })}
        </Doing>
      )}
    </>
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
