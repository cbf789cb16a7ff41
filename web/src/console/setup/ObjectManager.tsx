/** The object manager: the org's objects, and of each its fields, its page layout and its rules. */
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { setupPath } from "../router.ts";
import { objects, type FieldInfo } from "./data.ts";
import { Card, Check, SetupHeader, SetupLink, Shown, Table, TextField, useAsk, Values } from "./parts.tsx";
import type { PageProps } from "./tree.ts";

const NODE = "ObjectManager";
const ICON = "utility:database";

export function ObjectManagerPages({ rest }: PageProps): ReactNode {
  const [first = "home"] = rest;
  return first === "home" ? <ObjectList /> : <ObjectDetail name={first} />;
}

const holds = (text: string, ...parts: string[]) =>
  parts.join(" ").toLowerCase().includes(text.trim().toLowerCase());

function ObjectList(): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(objects.list, "objects");
  const [text, setText] = useState("");
  return (
    <>
      <SetupHeader title={t("tree.page.ObjectManager")} icon={ICON} />
      <Card title={t("tree.page.ObjectManager")}>
        <div className="setup-form slds-m-bottom_small">
          <TextField label={t("sets.search")} type="search" value={text} maxLength={100} onChange={setText} />
        </div>
        <Shown of={asked}>
          {(rows) => (
            <Table
              label={t("tree.page.ObjectManager")}
              rows={rows.filter((row) => holds(text, row.label, row.name))}
              rowKey={(row) => row.name}
              empty={t("objects.none")}
              columns={[
                {
                  key: "label",
                  label: t("sets.label"),
                  head: true,
                  show: (row) => (
                    <SetupLink node={NODE} rest={[row.name, "view"]}>
                      {row.label}
                    </SetupLink>
                  ),
                },
                { key: "name", label: t("sets.apiName"), show: (row) => row.name },
                { key: "kind", label: t("apps.kind"), show: (row) => t(`objects.kind.${row.kind}`) },
                { key: "fields", label: t("objects.fieldCount"), show: (row) => row.fields },
              ]}
            />
          )}
        </Shown>
      </Card>
    </>
  );
}

/** Type of a field with what belongs to it: `Text(80)`, `Lookup(Account)`. */
function useTypeName(): (field: FieldInfo) => string {
  const { t } = useTranslation();
  return (field) => {
    const name = t(`fieldType.${field.type}`, { defaultValue: field.type });
    if (field.references.length > 0) return `${name}(${field.references.join(t("form.comma"))})`;
    if (field.precision !== null) return `${name}(${field.precision - field.scale}, ${field.scale})`;
    return field.length === null || field.type === "id" ? name : `${name}(${field.length})`;
  };
}

function ObjectDetail({ name }: { name: string }): ReactNode {
  const { t } = useTranslation();
  const asked = useAsk(() => objects.show(name), name);
  const [text, setText] = useState("");
  const typeName = useTypeName();
  return (
    <Shown of={asked}>
      {(object) => {
        const labels = new Map(object.field_list.map((each) => [each.name, each.label]));
        return (
          <>
            <SetupHeader
              title={object.label}
              icon={ICON}
              crumb={{ label: t("tree.page.ObjectManager"), to: setupPath(NODE) }}
            />
            <Card title={t("objects.details")}>
              <Values
                of={[
                  [t("sets.apiName"), object.name],
                  [t("objects.plural"), object.plural],
                  [t("apps.kind"), t(`objects.kind.${object.kind}`)],
                  [t("objects.prefix"), object.key_prefix],
                ]}
              />
            </Card>
            <Card title={t("objects.fields")}>
              <div className="setup-form slds-m-bottom_small">
                <TextField
                  label={t("sets.search")}
                  type="search"
                  value={text}
                  maxLength={100}
                  onChange={setText}
                />
              </div>
              <Table
                label={t("objects.fields")}
                rows={object.field_list.filter((row) => holds(text, row.label, row.name))}
                rowKey={(row) => row.name}
                empty={t("objects.none")}
                columns={[
                  { key: "label", label: t("objects.fieldLabel"), head: true, show: (row) => row.label },
                  { key: "name", label: t("objects.fieldName"), show: (row) => row.name },
                  { key: "type", label: t("objects.dataType"), show: typeName },
                  {
                    key: "values",
                    label: t("objects.values"),
                    show: (row) => row.values.map((each) => each.label).join(t("form.comma")),
                  },
                  {
                    key: "required",
                    label: t("objects.required"),
                    show: (row) => <Check value={row.required} />,
                  },
                  { key: "unique", label: t("objects.unique"), show: (row) => <Check value={row.unique} /> },
                ]}
              />
            </Card>
            <Card title={t("objects.layout")}>
              {object.layout.map((section) => (
                <div key={section.label} className="slds-m-bottom_small">
                  <h3 className="slds-text-title_bold">{section.label}</h3>
                  <p>{section.fields.map((each) => labels.get(each) ?? each).join(t("form.comma"))}</p>
                </div>
              ))}
            </Card>
            <Card title={t("objects.rules")}>
              <Table
                label={t("objects.rules")}
                rows={object.rules}
                rowKey={(row) => row.name}
                empty={t("objects.rules.none")}
                columns={[
                  { key: "name", label: t("sets.name"), head: true, show: (row) => row.name },
                  { key: "active", label: t("users.active"), show: (row) => <Check value={row.active} /> },
                  { key: "formula", label: t("objects.formula"), show: (row) => <code>{row.formula}</code> },
                  { key: "message", label: t("objects.message"), show: (row) => row.message },
                ]}
              />
            </Card>
          </>
        );
      }}
    </Shown>
  );
}
