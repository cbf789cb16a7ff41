/**
 * The Omni-Channel toolkit: what `lightning:omniToolkitAPI` offers to components, with the same methods, answers and
 * events, over the org's presence doors.
 *
 * What always holds: a status that is taken already is not announced again; every announced change carries its reason,
 * so that whoever mirrors statuses can tell its own changes from those of people. The org is asked one thing at a time:
 * an answer that is older than a change, or overtakes the change's own, would pass for somebody else's. Work items are those of channels other
 * than voice, which this org does not route: there are none.
 */

export interface Channel {
  channelId: string;
  developerName: string;
}

export interface Status {
  id: string;
  label: string;
  /** Null for users who may not see developer names. */
  api_name: string | null;
  channels: Channel[];
}

export interface Presence {
  enabled: boolean;
  statuses: Status[];
  current: { id: string; status_id: string; label: string; api_name: string | null; since: string } | null;
  capacity: number;
}

export interface PresenceDoors {
  load: () => Promise<Presence>;
  /** Takes a status; null goes offline. */
  change: (statusId: string | null) => Promise<Presence>;
}

export type StatusReason =
  | "OmniToolkitStatusChange"
  | "OmniManualStatusChange"
  | "OmniLoginStatusChange"
  | "OmniSupervisorStatusChange";

export interface OmniEvents {
  "lightning:omniChannelLoginSuccess": { statusId: string };
  "lightning:omniChannelStatusChanged": {
    statusId: string;
    channels: string;
    statusName: string;
    statusApiName: string | null;
    reason: StatusReason;
  };
  "lightning:omniChannelLogout": { reason: "Logout" | "OmniSupervisorLogout" };
  "lightning:omniChannelConnectionError": { error: string };
}

type Listener<Name extends keyof OmniEvents> = (params: OmniEvents[Name]) => void;

export interface OmniToolkit {
  /** What is known of the presence; null before the first answer. */
  presence: () => Presence | null;
  watch: (watcher: () => void) => () => void;
  on: <Name extends keyof OmniEvents>(name: Name, listener: Listener<Name>) => () => void;
  /** Asks the org: the status may have been changed elsewhere. */
  refresh: () => Promise<void>;
  /** A person chose a status in the utility; null is offline. */
  choose: (statusId: string | null) => Promise<void>;
  login: (args: { statusId: string }) => Promise<boolean>;
  logout: () => Promise<boolean>;
  setServicePresenceStatus: (args: { statusId: string }) => Promise<{
    statusName: string;
    statusApiName: string | null;
    statusId: string;
    channels: string;
  }>;
  getServicePresenceStatusId: () => Promise<{
    statusName: string;
    statusApiName: string | null;
    statusId: string;
  }>;
  getServicePresenceStatusChannels: () => Promise<{ channels: string }>;
  getAgentWorks: () => Promise<{ works: string }>;
  getAgentWorkload: () => Promise<{
    configuredCapacity: number;
    currentWorkload: number;
    configuredInterruptibleCapacity: number;
    currentInterruptibleWorkload: number;
  }>;
  acceptAgentWork: (args: { workId: string }) => Promise<never>;
  declineAgentWork: (args: { workId: string; declineReason?: string }) => Promise<never>;
  closeAgentWork: (args: { workId: string }) => Promise<never>;
}

/** 15 and 18 characters name the same status. */
const sameId = (one: string, other: string): boolean => one.slice(0, 15) === other.slice(0, 15);

export function createToolkit(doors: PresenceDoors): OmniToolkit {
  let known: Presence | null = null;
  const watchers = new Set<() => void>();
  const listeners = new Map<string, Set<(params: never) => void>>();

  function emit<Name extends keyof OmniEvents>(name: Name, params: OmniEvents[Name]): void {
    for (const listener of [...(listeners.get(name) ?? [])]) (listener as Listener<Name>)(params);
  }

  const channelsOf = (statusId: string): string =>
    JSON.stringify(known?.statuses.find((each) => sameId(each.id, statusId))?.channels ?? []);

  function take(next: Presence, reason: StatusReason): void {
    const before = known?.current ?? null;
    const first = known === null;
    known = next;
    for (const watcher of [...watchers]) watcher();
    const now = next.current;
    if (now === null) {
      if (before !== null)
        emit("lightning:omniChannelLogout", {
          reason: reason === "OmniSupervisorStatusChange" ? "OmniSupervisorLogout" : "Logout",
        });
      return;
    }
    if (before !== null && sameId(before.status_id, now.status_id)) return;
    const params = {
      statusId: now.status_id,
      channels: channelsOf(now.status_id),
      statusName: now.label,
      statusApiName: now.api_name,
    };
    // A window that opens while the user is online has not changed anything.
    if (first) return;
    if (before === null) {
      emit("lightning:omniChannelLoginSuccess", { statusId: now.status_id });
      emit("lightning:omniChannelStatusChanged", {
        ...params,
        reason: reason === "OmniToolkitStatusChange" ? reason : "OmniLoginStatusChange",
      });
    } else emit("lightning:omniChannelStatusChanged", { ...params, reason });
  }

  let last: Promise<void> = Promise.resolve();
  function afterAll(work: () => Promise<void>): Promise<void> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  const refresh = () => afterAll(async () => take(await doors.load(), "OmniSupervisorStatusChange"));

  const change = (statusId: string | null, reason: StatusReason) =>
    afterAll(async () => {
      // What the status was is asked first, so that the change can be told from what was already so.
      if (known === null) take(await doors.load(), reason);
      try {
        take(await doors.change(statusId), reason);
      } catch (error) {
        emit("lightning:omniChannelConnectionError", { error: error instanceof Error ? error.message : "" });
        throw error;
      }
    });

  const currentStatus = async () => {
    if (known === null) await refresh();
    const now = known?.current ?? null;
    if (now === null) throw new Error("The user is not logged in to Omni-Channel.");
    return now;
  };
  const noWork = ({ workId }: { workId: string }): Promise<never> =>
    Promise.reject(new Error(`There is no agent work ${workId.slice(0, 18)}.`));

  return {
    presence: () => known,
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    on(name, listener) {
      const all = listeners.get(name) ?? new Set();
      listeners.set(name, all);
      all.add(listener);
      return () => all.delete(listener);
    },
    refresh,
    choose: (statusId) => change(statusId, "OmniManualStatusChange"),
    async login({ statusId }) {
      await change(statusId, "OmniToolkitStatusChange");
      return true;
    },
    async logout() {
      await change(null, "OmniToolkitStatusChange");
      return true;
    },
    async setServicePresenceStatus({ statusId }) {
      await change(statusId, "OmniToolkitStatusChange");
      const now = await currentStatus();
      return {
        statusName: now.label,
        statusApiName: now.api_name,
        statusId: now.status_id,
        channels: channelsOf(now.status_id),
      };
    },
    async getServicePresenceStatusId() {
      const now = await currentStatus();
      return { statusName: now.label, statusApiName: now.api_name, statusId: now.status_id };
    },
    getServicePresenceStatusChannels: async () => ({
      channels: channelsOf((await currentStatus()).status_id),
    }),
    getAgentWorks: async () => {
      await currentStatus();
      return { works: "[]" };
    },
    async getAgentWorkload() {
      await currentStatus();
      return {
        configuredCapacity: known?.capacity ?? 0,
        currentWorkload: 0,
        configuredInterruptibleCapacity: 0,
        currentInterruptibleWorkload: 0,
      };
    },
    acceptAgentWork: noWork,
    declineAgentWork: noWork,
    closeAgentWork: noWork,
  };
}
