/**
 * Which fields a page shows in which order: the org's layout, completed by the language.
 *
 * Fields that belong together (a person's name, an address) are one item: one line to read, a group of inputs to
 * edit. In Japanese the last name comes first, and an address begins with its postal code.
 */
import { addressOrder, type AddressPart } from "../../ui/format.ts";
import type { Describe, Field, LayoutPart, Picklists } from "../data/types.ts";

/** One place of a layout: a field, or a compound with the fields it is made of. */
export interface Item {
  field: Field;
  parts: Field[];
  /** The column that a deployed layout puts it in, from 1. */
  column?: number;
}

export interface Section {
  label: string;
  columns: number;
  items: Item[];
}

/** An object's description as one layout and one record type leave it: what must, may and may not be filled in. */
export function laidOut(
  description: Describe,
  layout: LayoutPart[],
  picklists: Picklists,
  person: boolean,
): Describe {
  const required = new Set(layout.flatMap((part) => part.required ?? []));
  const fixed = new Set(layout.flatMap((part) => part.readonly ?? []));
  const fields = description.fields.map((field): Field => {
    const offered = picklists[field.name];
    return {
      ...field,
      ...(required.has(field.name) ? { nillable: false, defaultedOnCreate: false } : {}),
      // The name of an account that is a person is made of a person's names.
      ...(fixed.has(field.name) || (person && field.name === "Name")
        ? { createable: false, updateable: false }
        : {}),
      ...(offered === undefined
        ? {}
        : {
            picklistValues: field.picklistValues.map((each) => {
              const found = offered.find((one) => one.value === each.value);
              // What is not offered keeps its label: records have it from before.
              return { ...each, active: found !== undefined, defaultValue: found?.default ?? false };
            }),
          }),
    };
  });
  return { ...description, fields };
}

/** Where an item stands: across all columns, or in the one that a layout says. */
export function placeOf({ field, parts, column }: Item, edited: boolean): string | undefined {
  const long = field.type === "textarea" && (!edited || field.length > 255);
  if (long || (edited && (field.type === "multipicklist" || parts.length > 0))) return "console-field_wide";
  return column === undefined ? undefined : `console-field_column-${column}`;
}

/** The grid of a section's items. */
export const gridOf = (section: Section): string =>
  section.columns === 1 ? "console-fields console-fields_one" : "console-fields";

type Language = "en" | "ja";

const isPerson = (description: Describe) => description.fields.some((field) => field.name === "LastName");

const NAME_PARTS: Record<Language, string[]> = {
  en: ["Salutation", "FirstName", "LastName"],
  ja: ["LastName", "FirstName", "Salutation"],
};
const ADDRESS_SUFFIXES: Record<AddressPart, string> = {
  street: "Street",
  city: "City",
  state: "State",
  postalCode: "PostalCode",
  country: "Country",
};
const addressSuffixes = (language: Language): string[] =>
  addressOrder(language).map((part) => ADDRESS_SUFFIXES[part]);

/** The compound that a field of the describe is a part of, with all its parts in the order of the language. */
function compoundOf(
  description: Describe,
  byName: Map<string, Field>,
  name: string,
  language: Language,
): Item | null {
  const person = isPerson(description);
  const field = byName.get(name);
  const owner = person && name === "Name" ? "Name" : (field?.compoundFieldName ?? null);
  if (owner === null || owner === undefined) return null;
  const compound = byName.get(owner);
  // A name that can be written itself (a company's) is made of nothing.
  if (compound === undefined || compound.createable) return null;
  const parts = description.fields.filter((each) => each.compoundFieldName === owner && each.name !== owner);
  const order = compound.type === "address" ? addressSuffixes(language) : NAME_PARTS[language];
  const at = (each: Field) => order.findIndex((suffix) => each.name.endsWith(suffix));
  return {
    field: compound,
    parts: parts.filter((each) => at(each) >= 0).sort((one, other) => at(one) - at(other)),
  };
}

function sections(description: Describe, layout: LayoutPart[], language: Language): Section[] {
  const byName = new Map(description.fields.map((field) => [field.name, field]));
  const seen = new Set<string>();
  return layout
    .map((part) => ({
      label: part.label,
      columns: part.columns ?? 2,
      items: part.fields.flatMap((name, at): Item[] => {
        const compound = compoundOf(description, byName, name, language);
        const field = compound?.field ?? byName.get(name);
        if (field === undefined || seen.has(field.name)) return [];
        seen.add(field.name);
        const place = part.columns === 2 ? { column: (at % 2) + 1 } : {};
        return [{ ...(compound ?? { field, parts: [] }), ...place }];
      }),
    }))
    .filter((section) => section.items.length > 0);
}

/** Items of a layout as they are read. */
export const readSections = (description: Describe, layout: LayoutPart[], language: Language): Section[] =>
  sections(description, layout, language);

/** Items of a layout as they are edited or created; what cannot be written is left out. */
export function editSections(
  description: Describe,
  layout: LayoutPart[],
  language: Language,
  action: "create" | "update",
): Section[] {
  const writable = (field: Field) => (action === "create" ? field.createable : field.updateable);
  return sections(description, layout, language)
    .map((section) => ({
      ...section,
      items: section.items.flatMap((item): Item[] => {
        const kept = item.parts.filter(writable);
        if (item.parts.length > 0) return kept.length > 0 ? [{ ...item, parts: kept }] : [];
        return writable(item.field) ? [item] : [];
      }),
    }))
    .filter((section) => section.items.length > 0);
}

/** The fields that stand behind items, compounds by their parts. */
export const fieldsOf = (found: Section[]): Field[] =>
  found.flatMap((section) =>
    section.items.flatMap(({ field, parts }) => (parts.length > 0 ? parts : [field])),
  );

const NEVER_NEW = new Set(["CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "OwnerId"]);

/** The form of a new record: the org's layout, then what is required or was asked for and stands nowhere in it. */
export function newLayout(description: Describe, layout: LayoutPart[], defaults: string[]): LayoutPart[] {
  const chosen = layout
    .map((part) => ({
      ...part,
      // Where there are columns, a place that is left out stays empty.
      fields: part.fields
        .map((name) => (NEVER_NEW.has(name) ? "" : name))
        .filter((name) => part.columns !== undefined || name !== ""),
    }))
    .filter((part) => part.fields.some((name) => name !== ""));
  const placed = new Set(chosen.flatMap((part) => part.fields));
  const required = description.fields
    .filter(
      (field) => field.createable && !field.nillable && !field.defaultedOnCreate && field.type !== "boolean",
    )
    .map((field) => field.name);
  const known = new Set(description.fields.map((field) => field.name));
  const missing = [...new Set([...required, ...defaults])].filter(
    (name) => known.has(name) && !placed.has(name) && name !== "RecordTypeId",
  );
  const [first, ...rest] = chosen;
  if (missing.length === 0) return chosen;
  if (first === undefined) return [{ label: "", fields: missing }];
  return [{ ...first, fields: [...first.fields, ...missing] }, ...rest];
}
