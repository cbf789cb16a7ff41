/**
 * Which fields a page shows in which order: the org's layout, completed by the language.
 *
 * A person's name is one line to read (`Name`) and two fields to edit; in Japanese the last name comes first.
 */
import type { Describe, Field, LayoutPart } from "../data/types.ts";

export interface Section {
  label: string;
  fields: Field[];
}

const isPerson = (description: Describe) => description.fields.some((field) => field.name === "LastName");

/** Fields of a layout as they are read. */
export function readSections(description: Describe, layout: LayoutPart[]): Section[] {
  const person = isPerson(description);
  return sections(description, layout, (name) => {
    if (!person) return [name];
    if (name === "FirstName" || name === "LastName" || name === "Salutation") return ["Name"];
    return [name];
  });
}

/** Fields of a layout as they are edited or created; what cannot be written is left out. */
export function editSections(
  description: Describe,
  layout: LayoutPart[],
  language: "en" | "ja",
  action: "create" | "update",
): Section[] {
  const person = isPerson(description);
  const names = language === "ja" ? ["LastName", "FirstName"] : ["FirstName", "LastName"];
  const writable = (field: Field) => (action === "create" ? field.createable : field.updateable);
  return sections(description, layout, (name) =>
    person && (name === "Name" || name === "FirstName" || name === "LastName") ? names : [name],
  )
    .map((section) => ({ ...section, fields: section.fields.filter(writable) }))
    .filter((section) => section.fields.length > 0);
}

function sections(
  description: Describe,
  layout: LayoutPart[],
  expand: (name: string) => string[],
): Section[] {
  const byName = new Map(description.fields.map((field) => [field.name, field]));
  const seen = new Set<string>();
  return layout
    .map((part) => ({
      label: part.label,
      fields: part.fields.flatMap(expand).flatMap((name) => {
        const field = byName.get(name);
        if (field === undefined || seen.has(name)) return [];
        seen.add(name);
        return [field];
      }),
    }))
    .filter((section) => section.fields.length > 0);
}

const SYSTEM = new Set(["Id", "IsDeleted", "SystemModstamp", "MasterRecordId", "OwnerId"]);

/** A layout for a form when the org was not asked for one: required fields, then the rest, custom ones last. */
function fallbackLayout(description: Describe): LayoutPart[] {
  const fields = description.fields.filter(
    (field) => field.createable && !SYSTEM.has(field.name) && field.type !== "address",
  );
  return [{ label: "", fields: fields.map((field) => field.name) }];
}

/** The form of a new contact: what an agent asks a caller first. */
const NEW: Record<string, string[]> = {
  Contact: [
    "FirstName",
    "LastName",
    "AccountId",
    "Title",
    "Phone",
    "MobilePhone",
    "HomePhone",
    "Email",
    "Department",
    "Description",
  ],
  Lead: [
    "FirstName",
    "LastName",
    "Company",
    "Title",
    "Phone",
    "MobilePhone",
    "Email",
    "Status",
    "LeadSource",
    "Description",
  ],
  Account: ["Name", "Phone", "Website", "Industry", "Type", "Description"],
};

/** Fields of the form for a new record; default values that it does not show are shown too. */
export function newLayout(description: Describe, defaults: string[]): LayoutPart[] {
  const chosen = NEW[description.name] ?? fallbackLayout(description)[0]?.fields ?? [];
  const required = description.fields
    .filter(
      (field) => field.createable && !field.nillable && !field.defaultedOnCreate && field.type !== "boolean",
    )
    .map((field) => field.name);
  const known = new Set(description.fields.map((field) => field.name));
  const custom = description.fields
    .filter((field) => field.custom && field.createable)
    .map((field) => field.name);
  const all = [...chosen, ...required, ...(NEW[description.name] ? custom : []), ...defaults];
  return [{ label: "", fields: [...new Set(all)].filter((name) => known.has(name)) }];
}
