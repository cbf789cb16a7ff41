/** Click-to-dial: a phone field was pressed. The softphone's host listens; nobody else. */
import { changePanel } from "./panel.ts";

interface DialRequest {
  number: string;
  recordId: string;
  recordName: string;
  objectType: string;
}

const watchers = new Set<(request: DialRequest) => void>();

export function onDial(watcher: (request: DialRequest) => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function clickToDial(number: string, owner: { id: string; object: string; name: string }): void {
  changePanel({ visible: true });
  const request = { number, recordId: owner.id, recordName: owner.name, objectType: owner.object };
  for (const watcher of [...watchers]) watcher(request);
}
