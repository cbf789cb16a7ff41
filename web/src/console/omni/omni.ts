/** The console's one Omni-Channel toolkit: over the org's presence doors, told of changes made elsewhere. */
import { request } from "../data/client.ts";
import { watchChanges } from "../data/live.ts";
import { createToolkit, type Presence } from "./toolkit.ts";

export const omni = createToolkit({
  load: () => request<Presence>("/console/api/presence"),
  change: (status_id) => request<Presence>("/console/api/presence", { method: "PUT", body: { status_id } }),
});

/** Follows the user's status while the console lives; the first call asks for it. */
export function startOmni(): () => void {
  void omni.refresh().catch(() => undefined);
  return watchChanges((change) => {
    if (change === null || change.object === "UserServicePresence")
      void omni.refresh().catch(() => undefined);
  });
}
