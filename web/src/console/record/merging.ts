/** Choices of a merge: which record stays, and whose value each field takes. Pure. */
import type { Field, Row } from "../data/types.ts";
import { same } from "./conflict.ts";

export interface Candidate {
  id: string;
  record: Row;
}

const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === "";
const OWN = new Set(["RecordTypeId"]);

/** Fields that a person may choose between: writable ones in which the records differ. */
export function differing(records: Candidate[], fields: Field[]): Field[] {
  return fields.filter(
    (field) =>
      field.updateable &&
      !OWN.has(field.name) &&
      field.type !== "address" &&
      records.some((each) => !same(each.record[field.name], records[0]?.record[field.name])),
  );
}

/** Whose value a field takes unless somebody says otherwise: the one that stays, else the first that has any. */
export function proposed(records: Candidate[], master: string, field: string): string {
  const filled = records.filter((each) => !isEmpty(each.record[field]));
  return (filled.find((each) => each.id === master) ?? filled[0])?.id ?? master;
}

/** What the record that stays must be given. */
export function changesOf(
  records: Candidate[],
  master: string,
  fields: Field[],
  chosen: Record<string, string>,
): Row {
  const own = records.find((each) => each.id === master)?.record ?? {};
  const changes: Row = {};
  for (const field of differing(records, fields)) {
    const from = chosen[field.name] ?? proposed(records, master, field.name);
    const value = records.find((each) => each.id === from)?.record[field.name] ?? null;
    if (!same(value, own[field.name])) changes[field.name] = value;
  }
  return changes;
}
