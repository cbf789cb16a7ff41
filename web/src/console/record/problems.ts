/** Refusals of the org as sentences for the person who typed: by field where the org named one. */
import type { TFunction } from "i18next";
import { formatDate, formatDateTime, instantOf, moment } from "../../ui/format.ts";
import { ApiError, type ApiProblem } from "../data/client.ts";
import { region } from "../data/session.ts";
import type { Describe, Field, Row } from "../data/types.ts";

export interface Problems {
  /** Sentences about the whole record. */
  record: string[];
  /** One sentence by field API name. */
  fields: Record<string, string>;
}

export const NO_PROBLEMS: Problems = { record: [], fields: {} };

export const hasProblems = (problems: Problems): boolean =>
  problems.record.length > 0 || Object.keys(problems.fields).length > 0;

/** Codes that have a sentence of their own (`problem.<code>`); others show the org's own words. */
const KNOWN = new Set([
  "DUPLICATE_VALUE",
  "ENTITY_IS_DELETED",
  "INSUFFICIENT_ACCESS_OR_READONLY",
  "INVALID_CROSS_REFERENCE_KEY",
  "INVALID_EMAIL_ADDRESS",
  "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
  "INVALID_SESSION_ID",
  "REQUIRED_FIELD_MISSING",
  "STRING_TOO_LONG",
]);

export function sentence(problem: ApiProblem, t: TFunction, field?: Field): string {
  if (!KNOWN.has(problem.errorCode)) return problem.message;
  return t(`problem.${problem.errorCode}`, { length: field?.length ?? 0 });
}

/** Sorts a refusal by the fields that the form shows. */
export function problemsOf(error: unknown, description: Describe | null, t: TFunction): Problems {
  if (!(error instanceof ApiError)) return { record: [t("problem.unknown")], fields: {} };
  if (error.status === 0) return { record: [t("problem.network")], fields: {} };
  if (error.status === 401) return { record: [t("problem.INVALID_SESSION_ID")], fields: {} };
  if (error.status >= 500) return { record: [t("problem.server")], fields: {} };
  if (error.status === 429) return { record: [t("problem.busy")], fields: {} };
  const problems: Problems = { record: [], fields: {} };
  for (const problem of error.problems) {
    const known = problem.fields
      .map((name) => description?.fields.find((field) => field.name === name))
      .filter((field) => field !== undefined);
    if (known.length === 0) problems.record.push(sentence(problem, t));
    for (const field of known) problems.fields[field.name] = sentence(problem, t, field);
  }
  return problems;
}

/** What can be seen before asking the org: required fields that are empty, texts that are too long. */
export function check(values: Row, shown: Field[], t: TFunction): Problems {
  const fields: Record<string, string> = {};
  for (const field of shown) {
    const value = values[field.name];
    const empty = value === null || value === undefined || value === "";
    if (empty && isRequired(field)) fields[field.name] = t("problem.REQUIRED_FIELD_MISSING");
    else if (typeof value === "string" && field.length > 0 && [...value].length > field.length) {
      fields[field.name] = t("problem.STRING_TOO_LONG", { length: field.length });
    } else if (typeof value === "number" && Number.isNaN(value)) fields[field.name] = t("problem.number");
    else if (!empty && field.type === "date" && !isDay(value)) {
      fields[field.name] = t("problem.date", { example: formatDate("2024-12-31", region()) });
    } else if (!empty && field.type === "datetime" && (typeof value !== "string" || moment(value) === null)) {
      const example = formatDateTime(instantOf("2024-12-31", "12:34", region()), region());
      fields[field.name] = t("problem.datetime", { example });
    }
  }
  return { record: [], fields };
}

const isDay = (value: unknown): boolean => typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);

export const isRequired = (field: Field): boolean =>
  !field.nillable &&
  !field.defaultedOnCreate &&
  field.type !== "boolean" &&
  (field.createable || field.updateable);
