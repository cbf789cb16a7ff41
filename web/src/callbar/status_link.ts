/**
 * The callbar's end of the package's message channel: tells Omni-Channel's statuses to `status_sync.ts` and carries out
 * what it decides. The other end is the bridge in the console (`c:tielineOmniBridge`); nothing is known of Omni-Channel
 * before it has spoken. The settings page asks here which statuses there are.
 */
import type { Host } from "../hosts/host.ts";
import type { Presence, Snapshot } from "../protocol/callbar.ts";
import { type Command, type Fact, OFFLINE, START, step, type Sync } from "./status_sync.ts";

/** Without the namespace that a managed package would put before it. */
export const CHANNEL = "Tieline_Presence__c";

export interface OmniState {
  /** As Salesforce calls it; null: offline. */
  name: string | null;
  /** Who made it so: we, or somebody in Salesforce; null: it was so when the console came. */
  by: "center" | "person" | null;
  /** Salesforce did not take the status that ours is like. */
  refused: boolean;
}

interface Deps {
  host: Pick<Host, "onMessage" | "publish">;
  /** Gives the agent a status; resolves to whether it was taken. */
  choose: (status: "ready" | "not_ready" | "offline", reason: string | null) => Promise<boolean>;
  changed: (state: OmniState | null) => void;
}

/** A presence as relations name it; null while it rings, which is no status of its own. */
export function statusOf(presence: Presence): string | null {
  if (presence.state === "ringing") return null;
  if (presence.state === "not_ready" && presence.reason) return `not_ready:${presence.reason}`;
  return presence.state;
}

export class StatusLink {
  readonly #deps: Deps;
  #sync: Sync = START;
  #snapshot: Snapshot | null = null;
  #sequence = 0;
  #state: OmniState | null = null;
  #rules = "null";

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Joins the channel; a page without one has no Omni-Channel. */
  async start(): Promise<void> {
    try {
      await this.#deps.host.onMessage(CHANNEL, (message) => this.#heard(message));
    } catch {
      return;
    }
    this.#publish({ kind: "ask" });
  }

  /** What the callbar shows has changed. */
  follow(snapshot: Snapshot | null): void {
    this.#snapshot = snapshot;
    const rules = snapshot?.status_sync ?? null;
    const written = JSON.stringify(rules);
    if (written !== this.#rules) {
      this.#rules = written;
      this.#take({ kind: "rules", rules });
      this.#show(this.#state);
    }
    const status = snapshot === null ? null : statusOf(snapshot.agent.presence);
    if (status !== null) this.#take({ kind: "center", status });
  }

  #heard(message: unknown): void {
    const told = (typeof message === "object" && message !== null ? message : {}) as Record<string, unknown>;
    if (told["kind"] === "ask_statuses") this.#answer();
    const { status, origin, name } = told;
    if (told["kind"] !== "told" || typeof status !== "string" || status === "") return;
    if (origin === "refused") {
      this.#take({ kind: "refused", side: "salesforce" });
      if (this.#state !== null) this.#show({ ...this.#state, refused: true });
      return;
    }
    const known = this.#snapshot?.status_sync?.relations.find(
      (each) => each.salesforce.slice(0, 15) === status.slice(0, 15),
    );
    const label = typeof name === "string" && name !== "" ? name : (known?.label ?? status);
    const by = origin === "toolkit" ? "center" : origin === "person" ? "person" : (this.#state?.by ?? null);
    this.#show({ name: status === OFFLINE ? null : label.slice(0, 80), by, refused: false });
    this.#take({ kind: "salesforce", status, change: origin === "person" });
  }

  #take(fact: Fact): void {
    const { sync, command } = step(this.#sync, fact);
    this.#sync = sync;
    if (command !== null) void this.#carryOut(command);
  }

  async #carryOut(command: Command): Promise<void> {
    if (command.side === "salesforce") {
      this.#publish({ kind: "status", status: command.status });
      return;
    }
    const [status, reason] = command.status.split(":");
    const taken = await this.#deps.choose(status as "ready" | "not_ready" | "offline", reason ?? null);
    if (!taken) this.#take({ kind: "refused", side: "center" });
  }

  /** The statuses that relations may name, in the agent's language, for the settings page. */
  #answer(): void {
    if (this.#snapshot === null) return;
    const reasons = this.#snapshot.not_ready_reasons
      .filter(({ active }) => active)
      .map(({ code, name }) => ({ code, name }));
    this.#publish({ kind: "statuses", status: JSON.stringify(reasons) });
  }

  #publish(message: Record<string, unknown>): void {
    this.#sequence += 1;
    this.#deps.host
      .publish(CHANNEL, { origin: "callbar", sequence: this.#sequence, ...message })
      .catch(() => undefined);
  }

  /** Shown is only what has to do with our status. */
  #show(state: OmniState | null): void {
    this.#state = state;
    this.#deps.changed(this.#rules === "null" ? null : state);
  }
}
