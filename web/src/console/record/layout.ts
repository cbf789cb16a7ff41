/**
 * Which fields a page shows in which order: the org's layout, completed by the language.
 *
 * Fields that belong together (a person's name, an address) are one item: one line to read, a group of inputs to
 * edit. In Japanese the last name comes first, and an address begins with its postal code.
 */
import { addressOrder, type AddressPart } from "../../ui/format.ts";
import type { Describe, Field, LayoutPart } from "../data/types.ts";

/** One place of a layout: a field, or a compound with the fields it is made of. */
export interface Item {
  field: Field;
  parts: Field[];
}

export interface Section {
  label: string;
  items: Item[];
}

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
      items: part.fields.flatMap((name): Item[] => {
        const compound = compoundOf(description, byName, name, language);
        const field = compound?.field ?? byName.get(name);
        if (field === undefined || seen.has(field.name)) return [];
        seen.add(field.name);
        return [compound ?? { field, parts: [] }];
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
      items: section.items.flatMap(({ field, parts }): Item[] => {
        const kept = parts.filter(writable);
        if (parts.length > 0) return kept.length > 0 ? [{ field, parts: kept }] : [];
        return writable(field) ? [{ field, parts: [] }] : [];
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
    .map((part) => ({ ...part, fields: part.fields.filter((name) => !NEVER_NEW.has(name)) }))
    .filter((part) => part.fields.length > 0);
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
