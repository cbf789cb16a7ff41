/** What a record is called, and which icon its object has. */
import { personName, type PersonName } from "../../ui/format.ts";
import type { Candidate } from "../data/records.ts";
import { nameOrder } from "../data/session.ts";
import type { Recent, ReferenceInfo, Row } from "../data/types.ts";

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** The name of a record or of a row of a list; people are ordered as the user's locale does. */
export function rowName(row: Row, lang: "en" | "ja" = nameOrder()): string {
  const person: PersonName = {
    Name: text(row["Name"]),
    FirstName: text(row["FirstName"]),
    LastName: text(row["LastName"]),
  };
  return (
    text(personName(person, lang)) ??
    text(row["Subject"]) ??
    text(row["CaseNumber"]) ??
    text(row["Title"]) ??
    text(row["Id"]) ??
    ""
  );
}

/** The name of a record that another one points to. */
export function referenceName(reference: ReferenceInfo, lang: "en" | "ja" = nameOrder()): string {
  const { name, FirstName = null, LastName = null } = reference;
  return personName({ Name: name, FirstName, LastName }, lang);
}

/** The name of a record that was seen lately. */
export function recentName(recent: Recent, lang: "en" | "ja" = nameOrder()): string {
  const { name, first_name: first = null, last_name: last = null } = recent;
  return personName({ Name: name, FirstName: first, LastName: last }, lang);
}

/** The name of a record that a look-up offers. */
export function candidateName(found: Candidate, lang: "en" | "ja" = nameOrder()): string {
  const { name, FirstName = null, LastName = null } = found;
  return personName({ Name: name, FirstName, LastName }, lang);
}

interface ObjectIcon {
  name: string;
  className: string;
}

const ICONS: Record<string, ObjectIcon> = {
  Account: { name: "standard:account", className: "slds-icon-standard-account" },
  Case: { name: "standard:case", className: "slds-icon-standard-case" },
  Contact: { name: "standard:contact", className: "slds-icon-standard-contact" },
  Group: { name: "standard:queue", className: "slds-icon-standard-queue" },
  Event: { name: "standard:event", className: "slds-icon-standard-event" },
  Lead: { name: "standard:lead", className: "slds-icon-standard-lead" },
  Opportunity: { name: "standard:opportunity", className: "slds-icon-standard-opportunity" },
  Task: { name: "standard:task", className: "slds-icon-standard-task" },
  User: { name: "standard:user", className: "slds-icon-standard-user" },
  home: { name: "standard:home", className: "slds-icon-standard-home" },
};
const OTHER: ObjectIcon = { name: "standard:record", className: "slds-icon-standard-record" };
const CUSTOM: ObjectIcon = { name: "custom:custom18", className: "slds-icon-custom-custom18" };

export function objectIcon(object: string): ObjectIcon {
  if (object.endsWith("__c")) return CUSTOM;
  return Object.hasOwn(ICONS, object) ? (ICONS[object] ?? OTHER) : OTHER;
}
