/** The page in front, as a softphone is told: at each movement, after saves, and when it asks. */
import { knownRecord } from "../data/records.ts";
import { dialogs, below } from "../shell/workspace.ts";
import { place } from "../router.ts";
import { rowName } from "../record/names.ts";
import type { Row } from "../data/types.ts";
import type { ViewInfo } from "./methods.ts";

const watchers = new Set<() => void>();

/** Tells the softphone about the page again although the address is the same: a record was saved. */
export function announceView(): void {
  for (const watcher of [...watchers]) watcher();
}

export function onView(watcher: () => void): () => void {
  watchers.add(watcher);
  const stop = place.subscribe(watcher);
  return () => {
    stop();
    watchers.delete(watcher);
  };
}

/** What is known of the page in front now; a record's name is missing until the org has told it. */
export function viewInfo(): ViewInfo & { complete: boolean } {
  const url = window.location.href;
  const shown = below.get();
  if (shown.page !== "record" || dialogs.get().length > 0) return { url, complete: true };
  const known = knownRecord(shown.id);
  if (known === null) return { url, recordId: shown.id, objectType: shown.object, complete: false };
  return {
    url,
    recordId: shown.id,
    recordName: rowName(known.record),
    objectType: known.object,
    ...personOf(known.object, known.record),
    complete: true,
  };
}

/** What a softphone is told of a person account besides: the record that it is on the other side. */
export function personOf(
  object: string,
  record: Row,
): Pick<ViewInfo, "personAccount" | "accountId" | "contactId"> {
  const person = record["IsPersonAccount"];
  if (typeof person !== "boolean") return {};
  if (!person) return { personAccount: false };
  const other = record[object === "Contact" ? "AccountId" : "PersonContactId"];
  if (typeof other !== "string") return { personAccount: true };
  return object === "Contact"
    ? { personAccount: true, accountId: other }
    : { personAccount: true, contactId: other };
}
