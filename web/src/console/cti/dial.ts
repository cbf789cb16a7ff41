/** Click-to-dial: a phone field was pressed. The softphone's host listens; nobody else. */
import { knownRecord } from "../data/records.ts";
import { changePanel } from "./panel.ts";
import { personOf } from "./view.ts";

interface DialRequest {
  number: string;
  recordId: string;
  recordName: string;
  objectType: string;
  /** What a component gives its click-to-dial field besides; fields of record pages give nothing. */
  params: string;
  personAccount?: boolean;
  accountId?: string;
  contactId?: string;
}

const watchers = new Set<(request: DialRequest) => void>();

export function onDial(watcher: (request: DialRequest) => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function clickToDial(number: string, owner: { id: string; object: string; name: string }): void {
  changePanel({ visible: true });
  const known = knownRecord(owner.id);
  const request = {
    number,
    recordId: owner.id,
    recordName: owner.name,
    objectType: owner.object,
    params: "",
    ...(known === null ? {} : personOf(known.object, known.record)),
  };
  for (const watcher of [...watchers]) watcher(request);
}
