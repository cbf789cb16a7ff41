import { expect, test } from "vitest";
import { createToolkit, type OmniEvents, type Presence } from "./toolkit.ts";

const AVAILABLE = "0N5xx0000000001AAA";
const BUSY = "0N5xx0000000002AAA";
const STATUSES = [
  {
    id: AVAILABLE,
    label: "Available",
    api_name: "Available",
    channels: [{ channelId: "0N9", developerName: "Cases" }],
  },
  { id: BUSY, label: "On a call", api_name: "OnACall", channels: [] },
];

/** An org that keeps one user's status, and a toolkit over it with what it announced. */
function omni(start: string | null = null) {
  let current = start;
  const picture = (): Presence => {
    const status = STATUSES.find((each) => each.id === current);
    return {
      enabled: true,
      statuses: STATUSES,
      capacity: 5,
      current:
        status === undefined
          ? null
          : {
              id: "0N7",
              status_id: status.id,
              label: status.label,
              api_name: status.api_name,
              since: "2026-01-01T00:00:00Z",
            },
    };
  };
  const toolkit = createToolkit({
    load: () => Promise.resolve(picture()),
    // What is asked after a change is answered before it.
    change: async (statusId) => {
      if (statusId !== null && !STATUSES.some((each) => each.id === statusId)) throw new Error("not allowed");
      current = statusId;
      await new Promise((resolve) => setTimeout(resolve));
      return picture();
    },
  });
  const told: [string, unknown][] = [];
  const names: (keyof OmniEvents)[] = [
    "lightning:omniChannelLoginSuccess",
    "lightning:omniChannelStatusChanged",
    "lightning:omniChannelLogout",
    "lightning:omniChannelConnectionError",
  ];
  for (const name of names)
    toolkit.on(name, (params) => told.push([name.replace("lightning:omniChannel", ""), params]));
  return {
    toolkit,
    told,
    reasons: () =>
      told.map(([name, params]) => `${name} ${(params as { reason?: string }).reason ?? ""}`.trim()),
    elsewhere: (statusId: string | null) => {
      current = statusId;
    },
  };
}

test("a status that the toolkit sets is answered and announced as the toolkit's", async () => {
  const { toolkit, told, reasons } = omni();
  expect(await toolkit.setServicePresenceStatus({ statusId: AVAILABLE })).toEqual({
    statusName: "Available",
    statusApiName: "Available",
    statusId: AVAILABLE,
    channels: '[{"channelId":"0N9","developerName":"Cases"}]',
  });
  expect(reasons()).toEqual(["LoginSuccess", "StatusChanged OmniToolkitStatusChange"]);
  expect(told[1]?.[1]).toMatchObject({ statusId: AVAILABLE, statusName: "Available" });
});

test("a person's choice is announced as a person's", async () => {
  const { toolkit, reasons } = omni(AVAILABLE);
  await toolkit.refresh();
  await toolkit.choose(BUSY);
  await toolkit.choose(null);
  await toolkit.choose(AVAILABLE);
  expect(reasons()).toEqual([
    "StatusChanged OmniManualStatusChange",
    "Logout Logout",
    "LoginSuccess",
    "StatusChanged OmniLoginStatusChange",
  ]);
});

test("what the org tells of a change under way is that change", async () => {
  const { toolkit, reasons } = omni(AVAILABLE);
  await toolkit.refresh();
  await Promise.all([toolkit.setServicePresenceStatus({ statusId: BUSY }), toolkit.refresh()]);
  expect(reasons()).toEqual(["StatusChanged OmniToolkitStatusChange"]);
});

test("the status that is taken already is not announced", async () => {
  const { toolkit, told } = omni(BUSY);
  await toolkit.setServicePresenceStatus({ statusId: BUSY });
  expect(told).toEqual([]);
});

test("a change made elsewhere is announced when the org tells it", async () => {
  const { toolkit, reasons, elsewhere } = omni(AVAILABLE);
  await toolkit.refresh();
  elsewhere(BUSY);
  await toolkit.refresh();
  elsewhere(null);
  await toolkit.refresh();
  expect(reasons()).toEqual(["StatusChanged OmniSupervisorStatusChange", "Logout OmniSupervisorLogout"]);
});

test("a status that is not the user's is refused and changes nothing", async () => {
  const { toolkit, reasons } = omni(AVAILABLE);
  await expect(toolkit.setServicePresenceStatus({ statusId: "0N5xx0000000009AAA" })).rejects.toThrow(
    "not allowed",
  );
  expect(reasons()).toEqual(["ConnectionError"]);
  expect((await toolkit.getServicePresenceStatusId()).statusId).toBe(AVAILABLE);
});

test("who is offline has no status, no channels and no work", async () => {
  const { toolkit } = omni();
  for (const ask of [
    toolkit.getServicePresenceStatusId,
    toolkit.getServicePresenceStatusChannels,
    toolkit.getAgentWorks,
    toolkit.getAgentWorkload,
  ])
    await expect(ask()).rejects.toThrow("not logged in");
});

test("login and logout answer true", async () => {
  const { toolkit } = omni();
  expect(await toolkit.login({ statusId: BUSY })).toBe(true);
  expect(await toolkit.getAgentWorkload()).toMatchObject({ configuredCapacity: 5, currentWorkload: 0 });
  expect(await toolkit.getAgentWorks()).toEqual({ works: "[]" });
  expect(await toolkit.logout()).toBe(true);
});

test("work that does not exist is not accepted", async () => {
  const { toolkit } = omni(AVAILABLE);
  await expect(toolkit.acceptAgentWork({ workId: "0Bz" })).rejects.toThrow("no agent work");
});
