/**
 * Joins the callbar's parts: the line to the server, the model, audio, ring and host. It decides nothing about
 * engagements: it turns facts into the model and the model's changes into what the host, the microphone and
 * the ring shall do. Views read `state` and call the verbs.
 */
import {
  type CallbarLine,
  type CallbarLineHandlers,
  type CommandName,
  CommandRefused,
} from "../data/callbar_socket.ts";
import type { CallbarSession } from "../data/callbar_session.ts";
import { Problem } from "../data/http.ts";
import type { ClickedNumber, DialingPrefixes, Host, ItemLook, ViewedRecord } from "../hosts/host.ts";
import type {
  DialPreview,
  FoundRecord,
  FoundRecords,
  RecentCall,
  RecentCalls,
  RecordRef,
} from "../protocol/callbar.ts";
import type { Audio, AudioState } from "./audio.ts";
import {
  type Draft,
  draftOf,
  EMPTY,
  engagementOf,
  type Fact,
  isOwner,
  isRinging,
  type Model,
  needsMicrophone,
  reduce,
  unpopped,
} from "./model.ts";
import type { Ring } from "../ui/ring.ts";
import { Renewal } from "./renewal.ts";
import { decidePop, type Layout, popOfRecord } from "./screen_pop.ts";
import { StatusLink, type OmniState } from "./status_link.ts";
import { type Challenge, openSignIn, signInAddress, type SignInWindow } from "./sign_in.ts";

export interface CallbarConfig {
  connection_id: string;
  host_origin: string;
}

export type SignIn =
  /** The secret is being made. */
  | { kind: "preparing" }
  | { kind: "idle" }
  /** The window was opened. One that is `gone` was closed, or is out of reach and may need the digits. */
  | { kind: "waiting"; digits: string; window: "open" | "gone" }
  | { kind: "blocked" }
  | { kind: "failed"; problem: { code: string; requestId: string | null } };

export interface CallbarState {
  model: Model;
  audio: AudioState;
  signIn: SignIn;
  language: "en" | "ja";
  /** The browser keeps sound back until the user clicks into the callbar. */
  soundBlocked: boolean;
  /** The page around us does not answer: records cannot be opened. */
  hostLost: boolean;
  /** The CRM no longer takes our connection: the integration was removed there, or an administrator took it back. */
  crmLost: boolean;
  recent: readonly RecentCall[];
  /** The agent's Omni-Channel status; null where it has nothing to do with ours, or no console tells it. */
  omni: OmniState | null;
}

export interface CallbarDeps {
  config: CallbarConfig;
  host: Host;
  line: (
    handlers: CallbarLineHandlers,
  ) => Pick<CallbarLine, "start" | "stop" | "hurry" | "requestSnapshot" | "command" | "forgetCommands">;
  audio: (deps: {
    exchange: (sdp: string) => Promise<string>;
    changed: (state: AudioState) => void;
  }) => Pick<Audio, "start" | "ask" | "want" | "stop">;
  ring: (changed: (blocked: boolean) => void) => Pick<Ring, "wake" | "start" | "stop">;
  sessions: {
    resume: (connectionId: string) => Promise<CallbarSession | null>;
    open: (connectionId: string, code: string, secret: string) => Promise<CallbarSession>;
    collect: (connectionId: string, secret: string) => Promise<CallbarSession | null>;
    renew: (token: string) => Promise<CallbarSession>;
    close: (token: string) => Promise<void>;
  };
  challenge: () => Promise<Challenge>;
  /** This callbar's own id, kept over a reload. */
  seat: () => Promise<string>;
  openWindow?: (address: string) => SignInWindow | null;
  /** Opens the callbar in a window of its own; absent where it is in one. */
  popOut?: () => void;
  /** Whether this window was opened to take the phone over from the one that opened it. */
  takeOver?: Promise<boolean>;
  language: "en" | "ja";
  now?: () => number;
}

const NOTE_PAUSE_MS = 600;
/** Somebody who types without a pause is saved this often. */
const NOTE_LONGEST_MS = 2_000;
const NOTICE_MS = 8_000;
const LAYOUT_WAIT_MS = 1_500;
/** Keys pressed in quick succession travel together. */
const KEYS_PAUSE_MS = 150;
const KEYS_AT_ONCE = 32;
/** The server refuses longer texts; nobody's number is that long. */
const NUMBER_LENGTH = 100;
/** How long a number waits for the audio of a callbar that is just starting or taking over. */
const AUDIO_WAIT_MS = 8_000;
/** The server learns a moment after us that the audio is up. */
const DIAL_AGAIN_MS = 300;
const DIAL_TRIES = 6;
const COLLECT_MS = 1_500;
const COLLECT_LIMIT_MS = 10 * 60_000;
const NO_PREFIXES: DialingPrefixes = { outside: "", long_distance: "", international: "" };

export class Callbar {
  readonly #deps: CallbarDeps;
  readonly #line: ReturnType<CallbarDeps["line"]>;
  readonly #audio: ReturnType<CallbarDeps["audio"]>;
  readonly #ring: ReturnType<CallbarDeps["ring"]>;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #popping = new Set<string>();
  /** Engagements of which the agent opened a record: nothing is laid over it. */
  readonly #opened = new Set<string>();
  readonly #notes = new Map<string, { timer: ReturnType<typeof setTimeout>; since: number }>();
  #seen = "";
  #state: CallbarState;
  #session: CallbarSession | null = null;
  #seat = "";
  #challenge: Challenge | null = null;
  #window: SignInWindow | null = null;
  #layout: Layout | null = null;
  #layoutKnown: Promise<void> = Promise.resolve();
  #layoutReported = false;
  #prefixes: Promise<DialingPrefixes> = Promise.resolve(NO_PREFIXES);
  #resumedAfterRefusal = false;
  readonly #renewal: Renewal;
  #renewed = false;
  #collecting: ReturnType<typeof setInterval> | null = null;
  #clickable = false;
  #tookOver = false;
  readonly #statuses: StatusLink;
  readonly #typed = new Map<string, { keys: string; timer: ReturnType<typeof setTimeout> }>();
  #keys = 0;
  #recentWatched = 0;

  constructor(deps: CallbarDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
    this.#state = {
      model: EMPTY,
      audio: { kind: "off" },
      signIn: { kind: "preparing" },
      language: deps.language,
      soundBlocked: false,
      hostLost: false,
      crmLost: false,
      recent: [],
      omni: null,
    };
    this.#statuses = new StatusLink({
      host: deps.host,
      choose: (status, reason) => this.#chosenInOmni(status, reason),
      changed: (omni) => this.#set({ omni }),
    });
    this.#renewal = new Renewal({
      now: this.#now,
      clockOffset: () => this.#state.model.clock_offset_ms,
      renew: (token) => deps.sessions.renew(token),
      renewed: (session) => {
        this.#session = session;
        this.#renewed = true;
      },
      over: () => this.#over(),
    });
    this.#line = deps.line({
      fact: (message) => {
        const at = this.#now();
        if (message.type === "snapshot") this.#dispatch({ kind: "snapshot", snapshot: message, at });
        else this.#dispatch({ kind: "event", event: message, at });
      },
      records: () => void this.#readRecent(),
      crm: (connected) => this.#set({ crmLost: !connected }),
      lost: () => {
        this.#set({ crmLost: false });
        this.#layoutReported = false;
        // Before there is a session the line is only being kept warm.
        if (this.#session !== null) this.#dispatch({ kind: "link", link: "lost" });
      },
      ended: () => void this.#lineEnded(),
    });
    this.#audio = deps.audio({
      exchange: async (sdp) => {
        const result = await this.#line.command("audio.connect", { sdp });
        return typeof result?.["sdp"] === "string" ? result["sdp"] : "";
      },
      changed: (audio) => this.#set({ audio }),
    });
    this.#ring = deps.ring((soundBlocked) => this.#set({ soundBlocked }));
  }

  get state(): CallbarState {
    return this.#state;
  }

  /** For React's `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Starts everything that does not wait for anything else at once: host, line, session. */
  async start(): Promise<void> {
    this.#layoutKnown = this.#readLayout();
    this.#prefixes = this.#deps.host.dialingPrefixes().catch(() => NO_PREFIXES);
    this.#deps.host.onRecord((record) => this.#recordSeen(record));
    this.#deps.host.onNumber((clicked) => this.#numberClicked(clicked));
    void this.#statuses.start();
    this.#line.start(null);
    try {
      const [session, seat] = await Promise.all([
        this.#deps.sessions.resume(this.#deps.config.connection_id),
        this.#deps.seat(),
      ]);
      this.#seat = seat;
      if (session) this.#begin(session);
      else this.#askToSignIn({ kind: "preparing" });
    } catch (error) {
      this.#askToSignIn(failed(error));
    }
  }

  /** Opens the sign-in window: only from a click. */
  signIn(): void {
    if (this.#challenge === null) return;
    this.#ring.wake();
    const { connection_id, host_origin } = this.#deps.config;
    const { secret, challenge, digits } = this.#challenge;
    const again = this.#window;
    this.#window = null;
    again?.cancel();
    const opened = (this.#deps.openWindow ?? openSignIn)(
      signInAddress(challenge, connection_id, host_origin),
    );
    if (opened === null) {
      this.#set({ signIn: { kind: "blocked" } });
      return;
    }
    this.#window = opened;
    this.#set({ signIn: { kind: "waiting", digits, window: "open" } });
    this.#collect(secret);
    void opened.code.then((code) => (this.#window === opened ? this.#exchange(code, secret) : undefined));
  }

  /** Puts the sign-in window in front. */
  showSignInWindow(): void {
    this.#window?.focus();
  }

  async signOut(): Promise<void> {
    const token = this.#session?.token;
    this.#saveAllNotes();
    this.#end();
    this.#askToSignIn({ kind: "preparing" });
    if (token) await this.#deps.sessions.close(token).catch(() => undefined);
  }

  /** Opens the callbar in a window of its own; null where it is in one. */
  get popOut(): (() => void) | null {
    return this.#deps.popOut ?? null;
  }

  /** Another of the agent's callbars has the audio: this one takes it. */
  useHere(): void {
    this.#ring.wake();
    void this.#do("seat.take", null, {});
  }

  askMicrophone(): void {
    this.#ring.wake();
    void this.#audio.ask();
  }

  /** Any click lets the browser play sound from then on. */
  wakeSound(): void {
    this.#ring.wake();
  }

  setStatus(status: "ready" | "not_ready" | "offline", reason: string | null = null): void {
    void this.#do("status.set", null, { status, reason });
  }

  /** A command of an engagement without further parameters. */
  act(name: Extract<CommandName, `engagement.${string}`>, engagementId: string): void {
    if (name === "engagement.close" || name === "engagement.hang_up") this.#saveNote(engagementId);
    void this.#do(name, engagementId, { engagement_id: engagementId });
  }

  /** How a number would be dialled; null when the server does not say. */
  async preview(number: string): Promise<DialPreview | null> {
    const params = { number, prefixes: await this.#prefixes };
    const result = await this.#line.command("number.preview", params).catch(() => null);
    return (result ?? null) as DialPreview | null;
  }

  /** The recent calls are looked at: they are read, now and whenever they may have changed, until the end of it. */
  watchRecent(): () => void {
    this.#recentWatched += 1;
    void this.#readRecent();
    return () => {
      this.#recentWatched -= 1;
    };
  }

  /** Calls a number, typed in any form; a refusal shows as any other. */
  async dial(number: string, record: RecordRef | null = null): Promise<void> {
    this.#ring.wake();
    const key = this.#asked("engagement.dial", null);
    const refuse = (code: string, params: Record<string, unknown> = {}) =>
      this.#dispatch({ kind: "refused", key, code, params, at: this.#now() });
    if ((this.#state.model.snapshot?.engagements.length ?? 0) > 0) return refuse("agent_busy");
    if (!isOwner(this.#state.model)) this.useHere();
    if (this.#state.audio.kind === "explain") this.askMicrophone();
    if (!(await this.#audioUp())) return refuse("audio_not_connected");
    const params = { number, prefixes: await this.#prefixes, record };
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#line.command("engagement.dial", params);
        return this.#dispatch({ kind: "answered", key });
      } catch (error) {
        if (!(error instanceof CommandRefused) || error.code === "session_ended")
          return this.#dispatch({ kind: "answered", key });
        if (error.code !== "audio_not_connected" || attempt === DIAL_TRIES)
          return refuse(error.code, error.params);
        await new Promise((resolve) => setTimeout(resolve, DIAL_AGAIN_MS));
      }
    }
  }

  /** Records of a related object that the CRM finds for a text; a string is the code of a refusal. */
  async findRecords(objectType: string, text: string): Promise<FoundRecord[] | string> {
    try {
      const result = await this.#line.command("records.search", { object_type: objectType, text });
      return (result as unknown as FoundRecords).records;
    } catch (error) {
      return error instanceof CommandRefused ? error.code : "records_unavailable";
    }
  }

  /** The agent says what the engagement is about. */
  relate(engagementId: string, record: Pick<RecordRef, "id" | "object_type">): void {
    void this.#do("engagement.relate", engagementId, {
      engagement_id: engagementId,
      object_type: record.object_type,
      record_id: record.id,
    });
  }

  /** The agent chose a status in Omni-Channel; only the callbar that acts takes it over. Resolves to whether it did. */
  async #chosenInOmni(status: "ready" | "not_ready" | "offline", reason: string | null): Promise<boolean> {
    if (!isOwner(this.#state.model)) return false;
    try {
      await this.#line.command("status.set", { status, reason });
      return true;
    } catch {
      return false;
    }
  }

  /** A key for the customer to receive. */
  press(engagementId: string, key: string): void {
    const before = this.#typed.get(engagementId);
    if (before) clearTimeout(before.timer);
    const keys = (before?.keys ?? "") + key;
    const timer = setTimeout(() => this.#sendKeys(engagementId), KEYS_PAUSE_MS);
    this.#typed.set(engagementId, { keys, timer });
    if (keys.length === KEYS_AT_ONCE) this.#sendKeys(engagementId);
  }

  /** Notes or disposition were changed on screen; saved shortly after. */
  write(engagementId: string, draft: Partial<Draft>): void {
    this.#dispatch({ kind: "draft", engagement_id: engagementId, draft });
    const planned = this.#notes.get(engagementId);
    const since = planned?.since ?? this.#now();
    if (planned) clearTimeout(planned.timer);
    const pause = Math.max(0, Math.min(NOTE_PAUSE_MS, since + NOTE_LONGEST_MS - this.#now()));
    this.#notes.set(engagementId, { timer: setTimeout(() => this.#saveNote(engagementId), pause), since });
  }

  /** Opens a record that the agent clicked. */
  openRecord(engagementId: string, record: Pick<RecordRef, "id" | "object_type">): void {
    this.#opened.add(engagementId);
    this.#deps.host.pop(popOfRecord(record, this.#layout)).catch(() => {
      this.#dispatch({ kind: "pop_failed", engagement_id: engagementId });
    });
  }

  look(look: ItemLook): void {
    this.#deps.host.look(look).catch(() => undefined);
  }

  dismissRefusal(): void {
    this.#dispatch({ kind: "refusal.dismissed" });
  }

  dismissNotice(id: string): void {
    this.#dispatch({ kind: "notice.dismissed", id });
  }

  /** The page is being left. */
  leaving(): void {
    this.#saveAllNotes();
  }

  /** The browser says that the network is back, or the computer has woken up. */
  online(): void {
    this.#line.hurry();
    this.#renewal.ifDue();
  }

  #begin(session: CallbarSession): void {
    this.#session = session;
    this.#window = null;
    this.#stopCollecting();
    this.#renewal.keep(session);
    this.#set({ language: session.language, signIn: { kind: "idle" } });
    this.#dispatch({ kind: "link", link: "connecting" });
    this.#line.start({ token: session.token, seat: this.#seat });
    this.#ring.wake();
  }

  #askToSignIn(signIn: SignIn, link: "sign_in" | "sign_in_again" = "sign_in"): void {
    this.#dispatch({ kind: "link", link });
    this.#set({ signIn });
    this.#line.stop();
    this.#stopCollecting();
    this.#challenge = null;
    void this.#deps.challenge().then((challenge) => {
      this.#challenge = challenge;
      if (this.#state.signIn.kind === "preparing") this.#set({ signIn: { kind: "idle" } });
    });
  }

  async #exchange(code: string | null, secret: string): Promise<void> {
    this.#window = null;
    if (code === null) {
      const { signIn } = this.#state;
      if (signIn.kind === "waiting") this.#set({ signIn: { ...signIn, window: "gone" } });
      return;
    }
    try {
      this.#begin(await this.#deps.sessions.open(this.#deps.config.connection_id, code, secret));
    } catch (error) {
      this.#signInFailed(failed(error));
    }
  }

  #signInFailed(signIn: SignIn): void {
    this.#askToSignIn(signIn, this.#state.model.link === "sign_in_again" ? "sign_in_again" : "sign_in");
  }

  /** Asks now and then whether somebody has typed our digits into a window that could not hand a code over. */
  #collect(secret: string): void {
    this.#stopCollecting();
    const until = this.#now() + COLLECT_LIMIT_MS;
    let asking = false;
    const timer = setInterval(() => {
      if (this.#now() > until)
        return this.#signInFailed({ kind: "failed", problem: { code: "code_invalid", requestId: null } });
      if (asking) return;
      asking = true;
      this.#deps.sessions
        .collect(this.#deps.config.connection_id, secret)
        .then((session) => {
          if (timer !== this.#collecting || session === null) return;
          this.#window?.cancel();
          this.#begin(session);
        })
        .catch((error: unknown) => {
          // Anything else than wrong digits passes: asked again in a moment.
          if (timer !== this.#collecting || !(error instanceof Problem) || error.code !== "code_invalid")
            return;
          this.#signInFailed({ kind: "failed", problem: { code: "digits_wrong", requestId: null } });
        })
        .finally(() => (asking = false));
    }, COLLECT_MS);
    this.#collecting = timer;
  }

  #stopCollecting(): void {
    if (this.#collecting !== null) clearInterval(this.#collecting);
    this.#collecting = null;
  }

  /** The session is over. A call is not: its audio goes on, and the agent signs in again beside it. */
  #over(): void {
    const { model } = this.#state;
    if (!isOwner(model) || model.snapshot?.engagements.length === 0) {
      this.#end();
      this.#askToSignIn({ kind: "failed", problem: { code: "session_missing", requestId: null } });
      return;
    }
    this.#session = null;
    this.#renewal.stop();
    this.#line.stop();
    this.#line.forgetCommands();
    this.#ring.stop();
    this.#askToSignIn({ kind: "preparing" }, "sign_in_again");
  }

  #end(): void {
    this.#session = null;
    this.#renewal.stop();
    // The next to sign in here may be somebody else.
    this.#set({ recent: [] });
    this.#line.stop();
    this.#line.forgetCommands();
    this.#audio.stop();
    this.#ring.stop();
  }

  async #lineEnded(): Promise<void> {
    this.#layoutReported = false;
    // The cookie may know a fresher session than our memory; refused twice in a row, it does not.
    if (this.#session !== null && !this.#resumedAfterRefusal) {
      this.#resumedAfterRefusal = true;
      const renewed = this.#renewed ? this.#session : null;
      this.#renewed = false;
      const resumed = await this.#deps.sessions.resume(this.#deps.config.connection_id).catch(() => null);
      // A socket lives as long as its session did when it said hello; where no cookie comes back, ours may be newer.
      const session = resumed ?? renewed;
      if (session) {
        this.#begin(session);
        return;
      }
    }
    if (this.#session === null && this.#state.model.link === "starting") return;
    this.#over();
  }

  /** A phone field of the page was clicked: dialled at once, its record related. */
  #numberClicked({ number, record }: ClickedNumber): void {
    if (this.#state.model.snapshot === null) return;
    this.#deps.host.show().catch(() => undefined);
    void this.dial(number.slice(0, NUMBER_LENGTH), record);
  }

  /** Whether the audio is up here, after waiting for it a while. */
  #audioUp(): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (up: boolean) => {
        clearTimeout(limit);
        stop();
        resolve(up);
      };
      const look = () => {
        const { audio, model } = this.#state;
        if (audio.kind === "up" && isOwner(model)) finish(true);
        else if (audio.kind === "refused" || model.snapshot === null) finish(false);
      };
      const limit = setTimeout(() => finish(false), AUDIO_WAIT_MS);
      const stop = this.subscribe(look);
      look();
    });
  }

  #sendKeys(engagementId: string): void {
    const typed = this.#typed.get(engagementId);
    if (!typed) return;
    clearTimeout(typed.timer);
    this.#typed.delete(engagementId);
    const params = { engagement_id: engagementId, digits: typed.keys };
    void this.#do("engagement.digits", engagementId, params);
  }

  async #readLayout(): Promise<void> {
    try {
      await this.#deps.host.ready();
      this.#layout = await this.#deps.host.softphoneLayout();
      this.#set({ hostLost: false });
    } catch {
      this.#set({ hostLost: true });
    }
    this.#reportLayout();
  }

  #reportLayout(): void {
    const { model } = this.#state;
    if (this.#layoutReported || this.#layout === null || model.link !== "open" || !isOwner(model)) return;
    this.#layoutReported = true;
    // The server keeps the last layout it has: a refusal changes nothing for the agent.
    this.#line.command("layout.report", { layout: this.#layout }).catch(() => undefined);
  }

  #recordSeen({ objectType, recordId }: ViewedRecord): void {
    if (
      !/^[A-Za-z][A-Za-z0-9_]{0,79}$/.test(objectType) ||
      !/^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/.test(recordId)
    )
      return;
    const open = this.#state.model.snapshot?.engagements ?? [];
    if (open.length === 0 || !isOwner(this.#state.model)) return;
    // A page that is refreshed or comes back into view says so again.
    const seen = `${open.map((each) => each.id).join()} ${recordId}`;
    if (this.#seen === seen) return;
    this.#seen = seen;
    this.#line
      .command("record.seen", { object_type: objectType, record_id: recordId })
      .catch(() => undefined);
  }

  #dispatch(fact: Fact): void {
    const before = this.#state.model;
    const model = reduce(before, fact);
    if (model === before) return;
    this.#state = { ...this.#state, model };
    this.#react(before, model, fact);
    for (const listener of this.#listeners) listener();
  }

  #set(part: Partial<CallbarState>): void {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener();
  }

  #react(before: Model, model: Model, fact: Fact): void {
    if (model.gap && !before.gap) this.#line.requestSnapshot();
    if (model.snapshot !== before.snapshot) this.#statuses.follow(model.snapshot);
    if (fact.kind === "snapshot") {
      this.#resumedAfterRefusal = false;
      this.#reportLayout();
      this.#renewal.ifDue();
      // What changed while the line was down was not told.
      if (before.link !== "open") void this.#readRecent();
      // Somebody else has signed in beside a call: its audio is not theirs.
      if (before.snapshot && before.snapshot.agent.id !== fact.snapshot.agent.id) this.#audio.stop();
      if (isOwner(model)) void this.#audio.start();
      else this.#audio.stop();
      if (!isOwner(model)) void this.#takeOver();
      if (before.link !== "open") this.#saveUnsaved(model);
    }
    const clickable = model.link === "open" && model.snapshot !== null;
    if (clickable !== this.#clickable) {
      this.#clickable = clickable;
      this.#deps.host.clickToDial(clickable).catch(() => undefined);
    }
    if (isRinging(model)) this.#ring.start();
    else this.#ring.stop();
    this.#audio.want(needsMicrophone(model));
    if (fact.kind === "snapshot" || fact.kind === "event") {
      for (const engagement of unpopped(model)) void this.#pop(engagement.id);
      this.#bringToView(before, model);
      if (showsInCrm(before, model, fact)) this.#deps.host.refresh().catch(() => undefined);
    }
    for (const notice of model.notices)
      if (!before.notices.includes(notice)) setTimeout(() => this.dismissNotice(notice.id), NOTICE_MS);
  }

  /** A window that was opened for it takes the phone over, once. */
  async #takeOver(): Promise<void> {
    const wanted = this.#deps.takeOver;
    if (this.#tookOver || !wanted) return;
    this.#tookOver = true;
    if (await wanted) this.useHere();
  }

  /** What was typed while nobody was signed in. */
  #saveUnsaved(model: Model): void {
    for (const engagement of model.snapshot?.engagements ?? []) {
      const draft = model.drafts[engagement.id];
      if (!draft || this.#notes.has(engagement.id)) continue;
      if (draft.notes === engagement.notes && draft.disposition_id === engagement.disposition_id) continue;
      const timer = setTimeout(() => this.#saveNote(engagement.id), 0);
      this.#notes.set(engagement.id, { timer, since: this.#now() });
    }
  }

  async #readRecent(): Promise<void> {
    if (this.#recentWatched === 0) return;
    const result = await this.#line.command("calls.recent").catch(() => null);
    if (result !== null) this.#set({ recent: (result as unknown as RecentCalls).calls });
  }

  #bringToView(before: Model, model: Model): void {
    if (!isOwner(model)) return;
    // Also after a reload in the middle of a call, when the host has folded the callbar away, and when the call has
    // come here from another callbar.
    const isNew = model.snapshot?.engagements.some(
      (each) => !isOwner(before) || !engagementOf(before, each.id),
    );
    if (isNew) this.#deps.host.show().catch(() => undefined);
  }

  async #pop(engagementId: string): Promise<void> {
    if (this.#popping.has(engagementId)) return;
    this.#popping.add(engagementId);
    await Promise.race([this.#layoutKnown, new Promise((resolve) => setTimeout(resolve, LAYOUT_WAIT_MS))]);
    const engagement = engagementOf(this.#state.model, engagementId);
    if (!engagement || engagement.popped) return;
    // Whoever was faster than the layout sees what they chose.
    if (!this.#opened.has(engagementId)) {
      const pop = decidePop(engagement, this.#layout);
      if (pop === null) return;
      try {
        await this.#deps.host.pop(pop);
      } catch {
        this.#dispatch({ kind: "pop_failed", engagement_id: engagementId });
        return;
      }
    }
    this.#line.command("engagement.popped", { engagement_id: engagementId }).catch(() => undefined);
  }

  #saveNote(engagementId: string): void {
    const planned = this.#notes.get(engagementId);
    if (!planned) return;
    clearTimeout(planned.timer);
    this.#notes.delete(engagementId);
    const engagement = engagementOf(this.#state.model, engagementId);
    if (!engagement) return;
    const { notes, disposition_id } = draftOf(this.#state.model, engagement);
    const params = { engagement_id: engagementId, notes, disposition_id: disposition_id ?? "" };
    void this.#do("engagement.note", engagementId, params);
  }

  #saveAllNotes(): void {
    for (const id of [...this.#notes.keys()]) this.#saveNote(id);
  }

  #asked(command: CommandName, engagementId: string | null): string {
    const key = String((this.#keys += 1));
    this.#dispatch({ kind: "asked", key, command, engagement_id: engagementId });
    return key;
  }

  async #do(
    command: CommandName,
    engagementId: string | null,
    params: Record<string, unknown>,
  ): Promise<void> {
    const key = this.#asked(command, engagementId);
    try {
      await this.#line.command(command, params);
      this.#dispatch({ kind: "answered", key });
    } catch (error) {
      if (!(error instanceof CommandRefused) || error.code === "session_ended") {
        this.#dispatch({ kind: "answered", key });
        return;
      }
      const { code, params: details } = error;
      this.#dispatch({ kind: "refused", key, code, params: details, at: this.#now() });
    }
  }
}

/** Whether the page around us now shows old news about the CRM: a call log arrived, a record was related. */
function showsInCrm(before: Model, after: Model, fact: Fact): boolean {
  if (fact.kind === "event" && fact.event.name === "call_log.delivered") return true;
  return (before.snapshot?.engagements ?? []).some((was) => {
    const now = engagementOf(after, was.id);
    if (!now) return was.state === "wrap_up";
    return now.related !== null && now.related.id !== was.related?.id;
  });
}

function failed(error: unknown): SignIn {
  const problem =
    error instanceof Problem
      ? { code: error.code, requestId: error.requestId }
      : { code: "unreachable", requestId: null };
  return { kind: "failed", problem };
}
