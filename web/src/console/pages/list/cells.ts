/** Values in the cells of a list. */
import { formatDate, formatDateTime } from "../../../ui/format.ts";
import { objectOfId, region } from "../../data/session.ts";
import type { ListColumn, Row } from "../../data/types.ts";
import { recordIdOf } from "../../router.ts";
import { rowName } from "../../record/names.ts";

/** A cell's value; a look-up's cell is the record it points to, given as `{Id, Name}` under either name. */
export function cellOf(
  row: Row,
  column: ListColumn,
): { value: unknown; title: string | undefined; reference?: { id: string; object: string; name: string } } {
  const value = row[column.api_name];
  const parent = isParent(value) ? value : parentOf(row, column.api_name);
  if (parent !== null) {
    const id = String(parent["Id"]);
    const name = rowName(parent);
    return { value: id, title: name, reference: { id, object: objectOfId(id) ?? "", name } };
  }
  return { value, title: typeof value === "string" ? value : undefined };
}

const isParent = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && recordIdOf((value as Row)["Id"]) !== null;

function parentOf(row: Row, name: string): Row | null {
  const relationship = name.endsWith("__c")
    ? name.replace(/__c$/, "__r")
    : name.replace(/Id$/, "").split(".")[0];
  const value = relationship === undefined || relationship === name ? null : row[relationship];
  return isParent(value) ? value : null;
}

/** A value of a row as plain text, where links inside of it would stand in another link. */
export function fieldText(row: Row, column: ListColumn): string {
  const { value, reference } = cellOf(row, column);
  if (reference !== undefined) return reference.name;
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") return "";
  if (column.type === "datetime") return formatDateTime(value, region());
  return column.type === "date" ? formatDate(value, region()) : value;
}
