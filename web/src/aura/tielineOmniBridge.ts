/**
 * `c:tielineOmniBridge`, the Aura component of our package, as the console runs it: the same messages over the same
 * channel, the console's toolkit in the place of `lightning:omniToolkitAPI`. It decides nothing; the softphone does.
 */
import type { Background } from "./background.ts";

const OFFLINE = "offline";

export function start({ omni, messages, channel }: Background): () => void {
  const name = channel("Tieline_Presence__c");
  let leaving = false;
  const publish = (status: string, label: string, origin: string, sequence = 0) =>
    messages.publish(name, { kind: "told", status, name: label, origin, sequence });

  const tell = (origin: string) =>
    omni.getServicePresenceStatusId().then(
      (now) => publish(now.statusId, now.statusName, origin),
      () => publish(OFFLINE, "", origin),
    );

  function take(status: string, sequence: number): void {
    leaving = status === OFFLINE;
    const asked: Promise<unknown> = leaving
      ? omni.logout()
      : omni.setServicePresenceStatus({ statusId: status });
    asked.then(
      () => {
        leaving = false;
      },
      () => {
        leaving = false;
        publish(status, "", "refused", sequence);
      },
    );
  }

  const ends = [
    omni.on("lightning:omniChannelStatusChanged", ({ statusId, statusName, reason }) =>
      publish(statusId, statusName, reason === "OmniToolkitStatusChange" ? "toolkit" : "person"),
    ),
    omni.on("lightning:omniChannelLogout", () => publish(OFFLINE, "", leaving ? "toolkit" : "person")),
    messages.subscribe(name, (message) => {
      const told = (typeof message === "object" && message !== null ? message : {}) as Record<
        string,
        unknown
      >;
      if (told["kind"] === "ask") void tell("start");
      if (told["kind"] === "status" && typeof told["status"] === "string")
        take(told["status"], typeof told["sequence"] === "number" ? told["sequence"] : 0);
    }),
  ];
  void tell("start");
  return () => ends.forEach((end) => end());
}
