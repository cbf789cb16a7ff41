/** The console's one Omni-Channel toolkit: over the org's presence doors, told of changes made elsewhere. */
import { request } from "../data/client.ts";
import { watchChanges } from "../data/live.ts";
import { createToolkit, type Presence } from "./toolkit.ts";

/** Each answer is waited for before the next question. */
const ANSWER_MS = 15_000;
const presence = (asked: { method?: "PUT"; body?: unknown } = {}) =>
  request<Presence>("/console/api/presence", { ...asked, signal: AbortSignal.timeout(ANSWER_MS) });

export const omni = createToolkit({
  load: () => presence(),
  change: (status_id) => presence({ method: "PUT", body: { status_id } }),
});

/** Follows the user's status while the console lives; the first call asks for it. */
export function startOmni(): () => void {
  void omni.refresh().catch(() => undefined);
  return watchChanges((change) => {
    if (change === null || change.object === "UserServicePresence")
      void omni.refresh().catch(() => undefined);
  });
}
