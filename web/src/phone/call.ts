/**
 * One telephone: at most one call at a time, made or answered, from the microphone's permission to the reason why
 * it ended. It is the customer's side, so it knows nothing about agents or records.
 */
import { Problem } from "../data/http.ts";
import {
  type Dial,
  PhoneLine,
  type PhoneLineHandlers,
  type PhoneMessage,
  type PhoneRequest,
  type PhoneState,
} from "../data/phone.ts";
import { completeOffer, MicrophoneRefused, type MicrophoneTrouble, openMicrophone } from "../data/rtc.ts";

export type CallStage =
  | { kind: "idle" }
  /** Somebody calls this telephone; `from` is null when the caller shows no number. */
  | { kind: "ringing"; from: string | null }
  /** The browser may be asking for the microphone. */
  | { kind: "microphone" }
  | { kind: "microphone_refused"; trouble: MicrophoneTrouble }
  | { kind: "calling" }
  | { kind: "answering" }
  | { kind: "waiting"; since: number }
  | { kind: "talking" | "held"; since: number }
  | { kind: "ended"; cause: string; talkedMs: number | null }
  | { kind: "refused"; code: string; params: Record<string, unknown> };

/** Whether calls to a number ring here: asked for, and then confirmed by the server; `display` as people write it. */
export type Listening =
  { kind: "off" } | { kind: "asked"; number: string } | { kind: "on"; number: string; display: string };

export interface CallState {
  stage: CallStage;
  muted: boolean;
  listening: Listening;
  /** Whether the call of the stage came to this telephone. */
  inbound: boolean;
  /** Keys that the other side has pressed. */
  digits: string;
  /** The line to the server is down in mid-call: the sound goes on, and the stage is that of before. */
  lineLost: boolean;
}

export type CallTo = Omit<Dial, "sdp">;

type Line = Pick<PhoneLine, "send" | "close">;

export interface CallDeps {
  createPeer?: () => RTCPeerConnection;
  openMicrophone?: () => Promise<MediaStreamTrack>;
  openLine?: (handlers: PhoneLineHandlers) => Line;
  play: (stream: MediaStream | null) => void;
  ring?: { start: () => void; stop: () => void };
  now?: () => number;
}

const IN_CALL: readonly CallStage["kind"][] = [
  "microphone",
  "calling",
  "answering",
  "waiting",
  "talking",
  "held",
];
const KEYS_PAUSE_MS = 150;
const KEYS_AT_ONCE = 32;
const RESUME_AGAIN_MS = 1_000;

export class PhoneCall {
  readonly #deps: CallDeps;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #state: CallState = {
    stage: { kind: "idle" },
    muted: false,
    listening: { kind: "off" },
    inbound: false,
    digits: "",
    lineLost: false,
  };
  #peer: RTCPeerConnection | null = null;
  #track: MediaStreamTrack | null = null;
  #line: Line | null = null;
  #open = false;
  /** What waits for the line to open. */
  #first: PhoneRequest | null = null;
  #callId: string | null = null;
  /** Takes the accepted call up again over a new line. */
  #key: string | null = null;
  /** The call that rings here and was neither answered nor declined yet. */
  #rings: string | null = null;
  #talkingSince: number | null = null;
  #keys = "";
  #keysTimer: ReturnType<typeof setTimeout> | null = null;
  /** Raised with every call and every end, so that answers to an older call are not heard. */
  #turn = 0;

  constructor(deps: CallDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
  }

  get state(): CallState {
    return this.#state;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Whether a call is on, or being set up. */
  get active(): boolean {
    return IN_CALL.includes(this.#state.stage.kind);
  }

  /** Lets calls to this number ring here; null: no calls any more. */
  listen(number: string | null): void {
    const { listening } = this.#state;
    if ((listening.kind === "off" ? null : listening.number) === number) return;
    this.#set({ listening: number === null ? { kind: "off" } : { kind: "asked", number } });
    if (number === null && this.#line === null) return;
    this.#ensureLine();
    if (this.#open) this.#line?.send({ type: "listen", number });
    if (number === null) this.#closeIfUnused();
  }

  /** Calls. Must come from a click, so that the browser plays the answer. */
  async call(to: CallTo): Promise<void> {
    if (this.active || this.#state.stage.kind === "ringing") return;
    this.#callId = this.#key = null;
    await this.#setUp("calling", (sdp) => ({ type: "dial", ...to, sdp }));
  }

  /** Takes the call that rings. Must come from a click. */
  async answer(): Promise<void> {
    const call_id = this.#rings;
    if (this.#state.stage.kind !== "ringing" || call_id === null) return;
    this.#deps.ring?.stop();
    await this.#setUp("answering", (sdp) => ({ type: "answer", call_id, sdp }));
  }

  /** Does not take the call that rings: the caller hears that the line is busy. */
  decline(): void {
    if (this.#state.stage.kind !== "ringing") return;
    if (this.#rings !== null) this.#line?.send({ type: "decline", call_id: this.#rings });
    this.#stop({ kind: "idle" });
  }

  hangUp(): void {
    if (!this.active) return;
    // Before the answer was sent there is no call to hang up yet, only one that rings.
    if (this.#rings !== null) this.#line?.send({ type: "decline", call_id: this.#rings });
    else this.#line?.send({ type: "hang_up" });
    const answered = this.#state.inbound || this.#talkingSince !== null;
    this.#end(answered ? "caller_hung_up" : "abandoned");
  }

  /** A key for the other side to receive. */
  press(key: string): void {
    this.#keys += key;
    if (this.#keysTimer !== null) clearTimeout(this.#keysTimer);
    if (this.#keys.length >= KEYS_AT_ONCE) this.#sendKeys();
    else this.#keysTimer = setTimeout(() => this.#sendKeys(), KEYS_PAUSE_MS);
  }

  /** Silences the own microphone, here only: the other side is not told. */
  mute(muted: boolean): void {
    if (this.#track) this.#track.enabled = !muted;
    this.#set({ muted });
  }

  /** Back to the form after a call. */
  reset(): void {
    if (!this.active) this.#become({ kind: "idle" });
  }

  /** The page is being left. */
  leave(): void {
    this.hangUp();
    this.decline();
  }

  /** From the microphone to the offer that is sent; the answer comes as a message. */
  async #setUp(kind: "calling" | "answering", message: (sdp: string) => PhoneRequest): Promise<void> {
    const turn = (this.#turn += 1);
    this.#talkingSince = null;
    this.#set({ stage: { kind: "microphone" }, muted: false, digits: "", inbound: kind === "answering" });
    try {
      const track = await (this.#deps.openMicrophone ?? openMicrophone)();
      if (turn !== this.#turn) return track.stop();
      this.#track = track;
      this.#become({ kind });
      const peer = (this.#deps.createPeer ?? (() => new RTCPeerConnection()))();
      this.#peer = peer;
      peer.ontrack = (event) => this.#deps.play(event.streams[0] ?? new MediaStream([event.track]));
      peer.onconnectionstatechange = () => {
        if (peer === this.#peer && peer.connectionState === "failed") this.#failed("connection_lost");
      };
      peer.addTransceiver(track, { direction: "sendrecv" });
      const sdp = await completeOffer(peer);
      if (turn !== this.#turn) return;
      this.#rings = null;
      this.#ensureLine();
      if (this.#open) this.#line?.send(message(sdp));
      else this.#first = message(sdp);
    } catch (error) {
      if (turn !== this.#turn) return;
      // Whoever calls shall not go on ringing at a telephone that cannot speak.
      if (this.#rings !== null) this.#line?.send({ type: "decline", call_id: this.#rings });
      if (error instanceof MicrophoneRefused)
        this.#stop({ kind: "microphone_refused", trouble: error.trouble });
      else
        this.#stop({
          kind: "refused",
          code: error instanceof Problem ? error.code : "unreachable",
          params: {},
        });
    }
  }

  #ensureLine(): void {
    if (this.#line !== null) return;
    const openLine = this.#deps.openLine ?? ((handlers: PhoneLineHandlers) => new PhoneLine(handlers));
    this.#line = openLine({
      opened: () => this.#opened(),
      received: (message) => this.#received(message),
      lost: () => this.#lost(),
    });
  }

  #opened(): void {
    this.#open = true;
    const { listening } = this.#state;
    if (listening.kind !== "off") this.#line?.send({ type: "listen", number: listening.number });
    if (this.#first !== null) this.#line?.send(this.#first);
    this.#first = null;
    this.#resume();
  }

  #resume(): void {
    if (!this.#open || this.#callId === null || this.#key === null) return;
    this.#line?.send({ type: "resume", call_id: this.#callId, key: this.#key });
  }

  /** An accepted call waits for the next line, and so does listening; what was only being set up is over. */
  #lost(): void {
    this.#open = false;
    const { listening, stage } = this.#state;
    if (listening.kind === "on") this.#set({ listening: { kind: "asked", number: listening.number } });
    if (stage.kind === "ringing") this.#stop({ kind: "idle" });
    else if (!this.active) return;
    else if (this.#key !== null) this.#set({ lineLost: true });
    else this.#end("connection_lost");
  }

  #closeIfUnused(): void {
    if (this.#state.listening.kind !== "off" || this.active || this.#state.stage.kind === "ringing") return;
    this.#line?.close();
    this.#line = null;
    this.#open = false;
    this.#first = null;
  }

  #received(message: PhoneMessage): void {
    switch (message.type) {
      case "accepted":
        // The answer to a call that was given up meanwhile.
        if (this.#peer === null) return;
        this.#callId = message.call_id;
        this.#key = message.key;
        this.#peer
          .setRemoteDescription({ type: "answer", sdp: message.sdp })
          .catch(() => this.#failed("switch_failed"));
        return;
      case "refused":
        this.#refused(message.code, message.params);
        return;
      case "listening": {
        const { number, display } = message;
        if (number === null || this.#state.listening.kind === "off") return;
        const asked = this.#state.listening.number;
        this.#set({ listening: { kind: "on", number: asked, display: display ?? number } });
        return;
      }
      case "ringing":
        if (this.active) return;
        this.#callId = this.#rings = message.call_id;
        this.#talkingSince = null;
        this.#set({
          stage: { kind: "ringing", from: message.from },
          inbound: true,
          digits: "",
          muted: false,
        });
        this.#deps.ring?.start();
        return;
      case "state":
        if (message.call_id !== this.#callId) return;
        if (this.#state.lineLost) {
          this.#set({ lineLost: false });
          this.#sendKeys();
        }
        if (message.digits !== this.#state.digits) this.#set({ digits: message.digits });
        this.#stateChanged(message.state, message.cause);
        return;
      case "pong":
    }
  }

  #refused(code: string, params: Record<string, unknown>): void {
    if (this.#state.lineLost) {
      // The database may be away for a moment: asked again. A call that nobody knows is over.
      if (code === "call_gone") this.#end("over");
      else setTimeout(() => this.#state.lineLost && this.#resume(), RESUME_AGAIN_MS);
      return;
    }
    // Nothing of a call was asked: it is the number to listen at that was refused.
    if (!this.active && this.#state.listening.kind === "asked") {
      this.#set({ listening: { kind: "off" } });
      this.#stop({ kind: "refused", code, params });
      return;
    }
    // What a call that is on, or over, is refused is old news: keys that came too late.
    const { kind } = this.#state.stage;
    if (!["calling", "answering", "ringing"].includes(kind)) return;
    this.#stop({ kind: "refused", code, params });
  }

  #stateChanged(state: PhoneState, cause: string | null): void {
    switch (state) {
      case "ringing":
        return;
      case "connecting":
        return this.#become({ kind: "calling" });
      case "waiting":
        if (this.#state.stage.kind === "waiting") return;
        return this.#become({ kind: "waiting", since: this.#now() });
      case "talking":
      case "held":
        // Another telephone at the same number was faster.
        if (this.#peer === null) return this.#stop({ kind: "idle" });
        this.#talkingSince ??= this.#now();
        return this.#become({ kind: state, since: this.#talkingSince });
      case "ended":
        return this.#end(this.#state.stage.kind === "ringing" ? "missed" : (cause ?? "over"));
    }
  }

  #failed(cause: string): void {
    this.#line?.send({ type: "hang_up" });
    this.#end(cause);
  }

  #end(cause: string): void {
    const talkedMs = this.#talkingSince === null ? null : this.#now() - this.#talkingSince;
    this.#stop({ kind: "ended", cause, talkedMs });
  }

  #sendKeys(): void {
    if (this.#keysTimer !== null) clearTimeout(this.#keysTimer);
    this.#keysTimer = null;
    // While the line is down they are kept.
    if (this.#state.lineLost) return;
    if (this.#keys !== "" && this.active) this.#line?.send({ type: "digits", digits: this.#keys });
    this.#keys = "";
  }

  #stop(stage: CallStage): void {
    this.#turn += 1;
    this.#callId = this.#rings = this.#key = null;
    this.#first = null;
    this.#keys = "";
    this.#deps.ring?.stop();
    this.#track?.stop();
    this.#track = null;
    if (this.#peer) {
      this.#peer.ontrack = null;
      this.#peer.onconnectionstatechange = null;
      this.#peer.close();
    }
    this.#peer = null;
    this.#deps.play(null);
    this.#set({ stage, muted: false, digits: "", lineLost: false });
    this.#closeIfUnused();
  }

  #become(stage: CallStage): void {
    this.#set({ stage });
  }

  #set(part: Partial<CallState>): void {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener();
  }
}
