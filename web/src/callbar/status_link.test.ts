import { expect, test } from "vitest";
import type { Presence } from "../protocol/callbar.ts";
import { aSnapshot } from "./builders.ts";
import { type OmniState, StatusLink } from "./status_link.ts";

const AVAILABLE = "0N5000000000001AAA";
const LUNCH = "0N5000000000002AAA";

/** A link whose page keeps what is published; `says` is what the bridge publishes. */
async function linked(choose: (status: string, reason: string | null) => boolean = () => true) {
  const published: Record<string, unknown>[] = [];
  const chosen: string[] = [];
  let heard: (message: unknown) => void = () => undefined;
  let shown: OmniState | null = null;
  const link = new StatusLink({
    host: {
      onMessage: (_channel, listener) => Promise.resolve(void (heard = listener)),
      publish: (_channel, message) => Promise.resolve(void published.push(message)),
    },
    choose: (status, reason) => {
      chosen.push(reason === null ? status : `${status} ${reason}`);
      return Promise.resolve(choose(status, reason));
    },
    changed: (state) => (shown = state),
  });
  await link.start();
  const base = aSnapshot();
  const become = (state: Presence["state"], reason: string | null = null) =>
    link.follow({
      ...base,
      agent: { ...base.agent, presence: { state, status: "ready", reason, since: base.time } },
      status_sync: {
        to_salesforce: true,
        to_contact_center: true,
        relations: [
          { contact_center: "ready", salesforce: AVAILABLE, label: "Available" },
          { contact_center: "not_ready:lunch", salesforce: LUNCH, label: "Lunch" },
        ],
      },
    });
  const says = (status: string, origin: string, name = "") =>
    heard({ kind: "told", status, origin, name, sequence: 0 });
  const statuses = () => published.filter((each) => each["kind"] === "status").map((each) => each["status"]);
  return {
    become,
    says,
    statuses,
    chosen,
    published,
    shown: () => shown,
    hear: (message: unknown) => heard(message),
  };
}

test("a ringing call is no status of its own, and a choice in Salesforce becomes ours", async () => {
  const { become, says, statuses, chosen, shown, published } = await linked();
  expect(published[0]).toMatchObject({ kind: "ask", origin: "callbar" });
  become("ready");
  expect(shown()).toBeNull();
  says("offline", "start");
  expect(statuses()).toEqual([AVAILABLE]);
  says(AVAILABLE.slice(0, 15), "toolkit", "Available");
  expect(shown()).toEqual({ name: "Available", by: "center", refused: false });
  become("ringing");
  become("ready");
  says(LUNCH, "person", "Lunch");
  expect(shown()).toEqual({ name: "Lunch", by: "person", refused: false });
  expect(chosen).toEqual(["not_ready lunch"]);
  become("not_ready", "lunch");
  expect(statuses()).toEqual([AVAILABLE]);
});

test("what Salesforce refuses is shown and not asked again", async () => {
  const { become, says, statuses, shown } = await linked();
  become("ready");
  says("offline", "start");
  says(AVAILABLE, "refused");
  become("ready");
  expect(shown()).toMatchObject({ refused: true });
  expect(statuses()).toEqual([AVAILABLE]);
});

test("the settings page is told the reasons, and foreign messages nothing", async () => {
  const { become, hear, published, shown } = await linked();
  become("ready");
  for (const message of [null, 1, {}, { kind: "told" }, { kind: "told", status: 1, origin: "person" }])
    hear(message);
  expect(shown()).toBeNull();
  hear({ kind: "ask_statuses" });
  expect(published.at(-1)).toMatchObject({
    kind: "statuses",
    status: JSON.stringify([
      { code: "break", name: "Break" },
      { code: "lunch", name: "Lunch" },
    ]),
  });
});
