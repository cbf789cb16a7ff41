/** One permission set: what it opens, by sections, and the forms that change it. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button, Notice } from "../../ui/controls.tsx";
import { navigate, setupPath } from "../router.ts";
import {
  permissionSets,
  RIGHTS,
  type OpenedField,
  type Right,
  type SetDetail,
  type TabVisibility,
} from "./data.ts";
import {
  Card,
  Check,
  Refusal,
  SetupHeader,
  SetupLink,
  Shown,
  Table,
  TextField,
  useAsk,
  useChange,
  Values,
} from "./parts.tsx";
import { Doing, FormDialog } from "./shared.tsx";

const NODE = "PermSets";

/** Where a set's pages stand: those of a profile's own permissions under *Profiles*. */
const nodeOf = (set: SetDetail): string => (set.owned_by_profile ? "Profiles" : NODE);
const ICON = "utility:lock";
const VISIBILITIES: TabVisibility[] = ["None", "Available", "Visible"];
const NEEDS: Record<Right, Right[]> = {
  Read: [],
  Create: ["Read"],
  Edit: ["Read"],
  Delete: ["Read", "Edit"],
  ViewAllRecords: ["Read"],
  ModifyAllRecords: ["Read", "Edit", "Delete", "ViewAllRecords"],
};

/** The rights with one of them changed: what it needs comes with it, what needs it goes with it. */
export function withRight(rights: Record<Right, boolean>, right: Right, on: boolean): Record<Right, boolean> {
  const next = { ...rights, [right]: on };
  for (const other of RIGHTS) {
    if (on && NEEDS[right].includes(other)) next[other] = true;
    if (!on && NEEDS[other].includes(right)) next[other] = false;
  }
  return next;
}

function Box({
  label,
  value,
  disabled = false,
  onChange,
}: {
  label: string;
  value: boolean;
  disabled?: boolean;
  onChange: (value: boolean) => void;
}): ReactNode {
  return (
    <input
      type="checkbox"
      aria-label={label}
      checked={value}
      disabled={disabled}
      onChange={(event) => onChange(event.target.checked)}
    />
  );
}

/** Says why a set has no buttons to change it with. */
function Kept({ set }: { set: SetDetail }): ReactNode {
  const { t } = useTranslation();
  if (set.namespace === null && !set.owned_by_profile) return null;
  return (
    <div className="slds-m-bottom_small">
      <Notice variant="info">
        {set.namespace === null ? t("sets.ofProfile") : t("sets.managed", { namespace: set.namespace })}
      </Notice>
    </div>
  );
}

/** A card that is shown, and edited where the set may be: what is typed stays when the org refuses it. */
function Section<T>({
  title,
  editable,
  value,
  save,
  children,
}: {
  title: string;
  editable: boolean;
  value: T;
  save: (draft: T) => Promise<unknown>;
  children: (shown: T, change: ((next: T) => void) | null) => ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<T | null>(null);
  const change = useChange();
  const close = () => {
    setDraft(null);
    change.clear();
  };
  return (
    <Card
      title={title}
      actions={
        draft !== null ? (
          <>
            <Button onClick={close}>{t("form.cancel")}</Button>
            <Button
              variant="brand"
              disabled={change.busy}
              onClick={() =>
                void change
                  .run(() => save(draft), t("setup.saved"))
                  .then((done) => {
                    if (done) close();
                  })
              }
            >
              {t("form.save")}
            </Button>
          </>
        ) : (
          editable && (
            <Button aria-label={t("setup.edit.of", { name: title })} onClick={() => setDraft(value)}>
              {t("setup.edit")}
            </Button>
          )
        )
      }
    >
      <Refusal error={change.error} />
      {children(draft ?? value, draft === null ? null : setDraft)}
    </Card>
  );
}

const replaced = <T extends { name: string }>(rows: T[], next: T): T[] =>
  rows.map((row) => (row.name === next.name ? next : row));

const differing = <T extends { name: string }>(before: T[], after: T[]): T[] =>
  after.filter((row, at) => row !== before[at]);

export function PermissionSetPage({ id }: { id: string }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => permissionSets.show(id), id);
  const [open, setOpen] = useState<"about" | "delete" | null>(null);
  const save = async (body: Parameters<typeof permissionSets.change>[1]) => {
    await permissionSets.change(id, body);
    await asked.again();
  };
  return (
    <Shown of={asked}>
      {(set) => (
        <>
          <SetupHeader
            title={set.label}
            icon={ICON}
            crumb={{
              label: t(set.owned_by_profile ? "profiles.title" : "sets.title"),
              to: setupPath(nodeOf(set)),
            }}
            actions={
              !set.owned_by_profile && (
                <>
                  {set.editable && (
                    <>
                      <Button onClick={() => setOpen("about")}>{t("sets.editProperties")}</Button>
                      <Button onClick={() => setOpen("delete")}>{t("setup.delete")}</Button>
                    </>
                  )}
                  <Button variant="brand" onClick={() => navigate(setupPath(NODE, id, "assignments"))}>
                    {t("sets.manage")}
                  </Button>
                </>
              )
            }
          />
          <Kept set={set} />
          <Card title={t(set.owned_by_profile ? "profiles.overview" : "sets.overview")}>
            <Values
              of={[
                [
                  t(set.owned_by_profile ? "profiles.name" : "sets.name"),
                  set.owned_by_profile ? set.label : set.name,
                ],
                [t("sets.namespace"), set.namespace],
                [t("sets.description"), set.description],
              ]}
            />
          </Card>
          <ObjectSettings set={set} />
          <TabSettings set={set} save={(tabs) => save({ tabs })} />
          {(["custom_metadata", "custom_settings"] as const).map((kind) => (
            <Section
              key={kind}
              title={t(`sets.${kind}`)}
              editable={set.editable && set[kind].length > 0}
              value={set[kind]}
              save={(rows) =>
                save({
                  objects: Object.fromEntries(
                    differing(set[kind], rows).map((row) => [row.name, { Read: row.Read }]),
                  ),
                })
              }
            >
              {(rows, edit) => (
                <Table
                  label={t(`sets.${kind}`)}
                  rows={rows}
                  rowKey={(row) => row.name}
                  empty={t(`sets.${kind}.none`)}
                  columns={[
                    { key: "label", label: t("sets.label"), head: true, show: (row) => row.label },
                    { key: "name", label: t("sets.apiName"), show: (row) => row.name },
                    {
                      key: "Read",
                      label: t("sets.opened"),
                      show: (row) =>
                        edit === null ? (
                          <Check value={row.Read} />
                        ) : (
                          <Box
                            label={`${row.label}: ${t("sets.opened")}`}
                            value={row.Read}
                            onChange={(Read) => edit(replaced(rows, { ...row, Read }))}
                          />
                        ),
                    },
                  ]}
                />
              )}
            </Section>
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
          <Section
            title={t("sets.systemPermissions")}
            editable={set.editable}
            value={set.permissions}
            save={(rows) =>
              save({
                permissions: Object.fromEntries(
                  differing(set.permissions, rows).map((row) => [row.name, row.held]),
                ),
              })
            }
          >
            {(rows, edit) => (
              <Table
                label={t("sets.systemPermissions")}
                rows={rows}
                rowKey={(row) => row.name}
                empty=""
                columns={[
                  { key: "label", label: t("sets.permission"), head: true, show: (row) => row.label },
                  { key: "name", label: t("sets.apiName"), show: (row) => row.name },
                  {
                    key: "held",
                    label: t("sets.enabled"),
                    show: (row) =>
                      edit === null ? (
                        <Check value={row.held} />
                      ) : (
                        <Box
                          label={row.label}
                          value={row.held}
                          onChange={(held) => edit(replaced(rows, { ...row, held }))}
                        />
                      ),
                  },
                ]}
              />
            )}
          </Section>
          {open === "about" && (
            <SetDialog
              set={set}
              onClose={() => setOpen(null)}
              onSaved={() => {
                setOpen(null);
                void asked.again();
              }}
            />
          )}
          {open === "delete" && (
            <Doing
              title={t("sets.delete")}
              work={() => permissionSets.remove(id)}
              done={t("setup.deleted", { name: set.label })}
              onClose={() => setOpen(null)}
              onDone={() => navigate(setupPath(NODE))}
            >
              {t("sets.delete.hint", { name: set.label })}
            </Doing>
          )}
        </>
      )}
    </Shown>
  );
}

function ObjectSettings({ set }: { set: SetDetail }): ReactNode {
  const { t } = useTranslation();
  return (
    <Card title={t("sets.objectSettings")}>
      <Table
        label={t("sets.objectSettings")}
        rows={set.objects}
        rowKey={(row) => row.name}
        empty={t("sets.nothing")}
        columns={[
          {
            key: "label",
            label: t("sets.object"),
            head: true,
            show: (row) => (
              <SetupLink node={nodeOf(set)} rest={[set.id, "object", row.name]}>
                {row.label}
              </SetupLink>
            ),
          },
          { key: "name", label: t("sets.apiName"), show: (row) => row.name },
          {
            key: "rights",
            label: t("sets.objectPermissions"),
            show: (row) =>
              RIGHTS.filter((right) => row[right])
                .map((right) => t(`right.${right}`))
                .join(", ") || t("sets.noAccess"),
          },
          { key: "fields", label: t("sets.openedFields"), show: (row) => row.field_count },
        ]}
      />
    </Card>
  );
}

function TabSettings({
  set,
  save,
}: {
  set: SetDetail;
  save: (tabs: Record<string, TabVisibility>) => Promise<void>;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <Section
      title={t("sets.tabs")}
      editable={set.editable && set.tabs.length > 0}
      value={set.tabs}
      save={(rows) =>
        save(Object.fromEntries(differing(set.tabs, rows).map((row) => [row.name, row.visibility])))
      }
    >
      {(rows, edit) => (
        <Table
          label={t("sets.tabs")}
          rows={rows}
          rowKey={(row) => row.name}
          empty={t("sets.tabs.none")}
          columns={[
            { key: "label", label: t("sets.tab"), head: true, show: (row) => row.label },
            { key: "name", label: t("sets.apiName"), show: (row) => row.name },
            {
              key: "visibility",
              label: t("sets.visibility"),
              show: (row) =>
                edit === null ? (
                  t(`visibility.${row.visibility}`)
                ) : (
                  <div className="slds-select_container">
                    <select
                      className="slds-select"
                      aria-label={`${row.label}: ${t("sets.visibility")}`}
                      value={row.visibility}
                      onChange={(event) =>
                        edit(replaced(rows, { ...row, visibility: event.target.value as TabVisibility }))
                      }
                    >
                      {VISIBILITIES.map((each) => (
                        <option key={each} value={each}>
                          {t(`visibility.${each}`)}
                        </option>
                      ))}
                    </select>
                  </div>
                ),
            },
          ]}
        />
      )}
    </Section>
  );
}

export function ObjectPage({ id, name }: { id: string; name: string }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => permissionSets.show(id, name), `${id} ${name}`);
  return (
    <Shown of={asked}>
      {(set) => {
        const shown = set.objects.find((each) => each.name === name);
        return (
          <>
            <SetupHeader
              title={`${set.label}: ${shown?.label ?? name}`}
              icon={ICON}
              crumb={{ label: set.label, to: setupPath(nodeOf(set), id, "view") }}
            />
            <Kept set={set} />
            {shown === undefined ? (
              <p>{t("sets.object.unknown", { name })}</p>
            ) : (
              <>
                {shown.grantable && (
                  <Section
                    title={t("sets.objectPermissions")}
                    editable={set.editable}
                    value={shown}
                    save={async (next) => {
                      const rights = Object.fromEntries(RIGHTS.map((right) => [right, next[right]]));
                      await permissionSets.change(id, { objects: { [name]: rights } });
                      await asked.again();
                    }}
                  >
                    {(rights, edit) => (
                      <Values
                        of={RIGHTS.map((right) => [
                          t(`right.${right}`),
                          edit === null ? (
                            <Check key={right} value={rights[right]} />
                          ) : (
                            <Box
                              key={right}
                              label={t(`right.${right}`)}
                              value={rights[right]}
                              onChange={(on) => edit({ ...rights, ...withRight(rights, right, on) })}
                            />
                          ),
                        ])}
                      />
                    )}
                  </Section>
                )}
                <FieldPermissions
                  set={set}
                  save={async (fields) => {
                    await permissionSets.change(id, {
                      fields: Object.fromEntries(
                        fields.map(({ name: field, read, edit }) => [`${name}.${field}`, { read, edit }]),
                      ),
                    });
                    await asked.again();
                  }}
                />
              </>
            )}
          </>
        );
      }}
    </Shown>
  );
}

function FieldPermissions({
  set,
  save,
}: {
  set: SetDetail;
  save: (fields: OpenedField[]) => Promise<void>;
}): ReactNode {
  const { t } = useTranslation();
  return (
    <Section
      title={t("sets.fieldPermissions")}
      editable={set.editable && set.fields.length > 0}
      value={set.fields}
      save={(rows) => save(differing(set.fields, rows))}
    >
      {(rows, edit) => (
        <Table
          label={t("sets.fieldPermissions")}
          rows={rows}
          rowKey={(row) => row.name}
          empty={t("sets.fields.none")}
          columns={[
            { key: "label", label: t("sets.field"), head: true, show: (row) => row.label },
            { key: "name", label: t("sets.apiName"), show: (row) => row.name },
            {
              key: "read",
              label: t("sets.readAccess"),
              show: (row) =>
                edit === null ? (
                  <Check value={row.read} />
                ) : (
                  <Box
                    label={`${row.label}: ${t("sets.readAccess")}`}
                    value={row.read}
                    onChange={(read) => edit(replaced(rows, { ...row, read, edit: read && row.edit }))}
                  />
                ),
            },
            {
              key: "edit",
              label: t("sets.editAccess"),
              show: (row) =>
                edit === null ? (
                  <Check value={row.edit} />
                ) : (
                  <Box
                    label={`${row.label}: ${t("sets.editAccess")}`}
                    value={row.edit}
                    disabled={!row.writable}
                    onChange={(on) => edit(replaced(rows, { ...row, edit: on, read: on || row.read }))}
                  />
                ),
            },
          ]}
        />
      )}
    </Section>
  );
}

/** Makes a permission set (null), or changes what it is called. */
export function SetDialog({
  set,
  onClose,
  onSaved,
}: {
  set: SetDetail | null;
  onClose: () => void;
  onSaved: (id: string) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [label, setLabel] = useState(set?.label ?? "");
  const [name, setName] = useState(set?.name ?? "");
  const [description, setDescription] = useState(set?.description ?? "");
  return (
    <FormDialog
      title={set === null ? t("sets.new") : t("sets.editProperties")}
      size="small"
      onClose={onClose}
      onSaved={onSaved}
      save={async () => {
        if (set === null) return (await permissionSets.create({ label, name, description })).id;
        await permissionSets.change(set.id, { label, description });
        return set.id;
      }}
    >
      <TextField label={t("sets.label")} required value={label} maxLength={80} onChange={setLabel} />
      <TextField
        label={t("sets.name")}
        required
        disabled={set !== null}
        value={name}
        maxLength={80}
        help={set === null ? t("sets.name.hint") : undefined}
        onChange={setName}
      />
      <TextField
        label={t("sets.description")}
        value={description}
        maxLength={255}
        onChange={setDescription}
      />
    </FormDialog>
  );
}
