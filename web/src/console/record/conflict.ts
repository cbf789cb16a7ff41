/**
 * Two editors of one record: what somebody else saved since this person began, and what both have changed. Pure.
 */
import type { Field, Row } from "../data/types.ts";

const blank = (value: unknown): unknown => (value === "" || value === undefined ? null : value);

/** True where two values of a field are the same to a person; compounds and dates compare by what they hold. */
export function same(one: unknown, other: unknown): boolean {
  const [a, b] = [blank(one), blank(other)];
  if (Object.is(a, b)) return true;
  return typeof a === "object" && typeof b === "object" && JSON.stringify(a) === JSON.stringify(b);
}

export interface Conflict {
  /** Fields that somebody else has changed. */
  theirs: Field[];
  /** Those of them that this person has changed, too. */
  both: Field[];
}

/** Who changed a record last is no change that a person made to it. */
const STAMPS = new Set(["LastModifiedDate", "LastModifiedById", "SystemModstamp", "LastActivityDate"]);

/** Compares the record as it was when editing began with the record as it is; `changed` names this person's edits. */
export function conflict(before: Row, now: Row, changed: string[], fields: Field[]): Conflict {
  const theirs = fields.filter(
    (field) =>
      !STAMPS.has(field.name) && field.type !== "address" && !same(before[field.name], now[field.name]),
  );
  // A compound says nothing that its parts do not say.
  const parts = new Set(theirs.map((field) => field.compoundFieldName).filter((name) => name !== null));
  const shown = theirs.filter((field) => !parts.has(field.name));
  return { theirs: shown, both: shown.filter((field) => changed.includes(field.name)) };
}
