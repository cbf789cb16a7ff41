/**
 * The agent's audio: one peer connection for the whole shift. While idle it carries nothing and the microphone
 * is closed, so that the browser shows no recording mark; at ring the microphone opens, and answering is then
 * the switch's move alone. A connection that fails is replaced by a new one with a new offer.
 */
import { completeOffer, MicrophoneRefused, type MicrophoneTrouble } from "../data/rtc.ts";

export type AudioState =
  /** Not begun. */
  | { kind: "off" }
  /** The browser will ask for the microphone: explain first. */
  | { kind: "explain" }
  /** The browser is asking. */
  | { kind: "asking" }
  | { kind: "refused"; trouble: MicrophoneTrouble }
  | { kind: "connecting"; attempt: number }
  | { kind: "up" };

export interface AudioDeps {
  createPeer: () => RTCPeerConnection;
  openMicrophone: () => Promise<MediaStreamTrack>;
  permission: () => Promise<PermissionState>;
  /** Hands the offer to the server and gives its answer. */
  exchange: (sdp: string) => Promise<string>;
  /** What the other side says. */
  play: (stream: MediaStream | null) => void;
  changed: (state: AudioState) => void;
}

/** A connection that lost its way often finds it again by itself. */
const RECOVERY_MS = 2_000;
const SET_UP_LIMIT_MS = 12_000;
const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000];

export class Audio {
  readonly #deps: AudioDeps;
  #state: AudioState = { kind: "off" };
  #peer: RTCPeerConnection | null = null;
  #sender: RTCRtpSender | null = null;
  #track: MediaStreamTrack | null = null;
  #wanted = false;
  #opening: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #attempt = 0;

  constructor(deps: AudioDeps) {
    this.#deps = deps;
  }

  get state(): AudioState {
    return this.#state;
  }

  /** Begins the shift: connects if the microphone was granted before, else waits for `ask` after an explanation. */
  async start(): Promise<void> {
    if (this.#state.kind !== "off") return;
    const permission = await this.#deps.permission();
    if (this.#state.kind !== "off") return;
    if (permission === "granted") return this.#connect();
    this.#become(permission === "denied" ? { kind: "refused", trouble: "denied" } : { kind: "explain" });
  }

  /** Lets the browser ask for the microphone, once; then connects. */
  async ask(): Promise<void> {
    if (this.#state.kind !== "explain" && this.#state.kind !== "refused") return;
    this.#become({ kind: "asking" });
    try {
      const track = await this.#deps.openMicrophone();
      if (this.#wanted) this.#track = track;
      else track.stop();
    } catch (error) {
      this.#become({ kind: "refused", trouble: troubleOf(error) });
      return;
    }
    await this.#connect();
  }

  /** Whether a call is ringing or on: opens or closes the microphone accordingly. */
  want(microphone: boolean): void {
    if (this.#wanted === microphone) return;
    this.#wanted = microphone;
    if (microphone) void this.#open();
    else this.#release();
  }

  /** Ends the shift. */
  stop(): void {
    this.#wanted = false;
    this.#release();
    this.#close();
    this.#attempt = 0;
    this.#become({ kind: "off" });
  }

  #open(): Promise<void> {
    this.#opening ??= this.#opened().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #opened(): Promise<void> {
    if (this.#state.kind !== "up" && this.#state.kind !== "connecting") return;
    try {
      if (this.#track === null || this.#track.readyState === "ended") {
        const track = await this.#deps.openMicrophone();
        if (!this.#wanted) return track.stop();
        this.#track = track;
        // The device was pulled out in mid-call: take whichever the browser offers now.
        track.onended = () => {
          if (this.#track !== track) return;
          this.#track = null;
          if (this.#wanted) void this.#open();
        };
      }
      await this.#sender?.replaceTrack(this.#track);
      // The call ended while the track was being attached.
      if (!this.#wanted) this.#release();
    } catch (error) {
      if (this.#wanted && error instanceof MicrophoneRefused)
        this.#become({ kind: "refused", trouble: error.trouble });
    }
  }

  #release(): void {
    const track = this.#track;
    this.#track = null;
    void this.#sender?.replaceTrack(null).catch(() => undefined);
    track?.stop();
  }

  async #connect(): Promise<void> {
    this.#close();
    const peer = this.#deps.createPeer();
    this.#peer = peer;
    this.#become({ kind: "connecting", attempt: this.#attempt });
    peer.ontrack = (event) => {
      if (peer === this.#peer) this.#deps.play(event.streams[0] ?? new MediaStream([event.track]));
    };
    peer.onconnectionstatechange = () => {
      if (peer === this.#peer) this.#transportChanged(peer.connectionState);
    };
    this.#sender = peer.addTransceiver("audio", { direction: "sendrecv" }).sender;
    this.#after(SET_UP_LIMIT_MS, () => this.#again());
    try {
      // A rebuild in mid-call carries the voice from the first packet.
      if (this.#wanted) await this.#open();
      const answer = await this.#deps.exchange(await completeOffer(peer));
      if (peer !== this.#peer) return;
      await peer.setRemoteDescription({ type: "answer", sdp: answer });
    } catch {
      if (peer === this.#peer) this.#again();
    }
  }

  #transportChanged(state: RTCPeerConnectionState): void {
    switch (state) {
      case "connected":
        this.#cancelTimer();
        this.#attempt = 0;
        this.#become({ kind: "up" });
        if (this.#wanted) void this.#open();
        return;
      case "disconnected":
        this.#after(RECOVERY_MS, () => this.#again());
        return;
      case "failed":
      case "closed":
        this.#again();
    }
  }

  /** Replaces the connection after a pause that grows with each failure. */
  #again(): void {
    this.#close();
    const pause = this.#attempt === 0 ? 0 : RETRY_MS[Math.min(this.#attempt, RETRY_MS.length) - 1];
    this.#attempt += 1;
    this.#become({ kind: "connecting", attempt: this.#attempt });
    this.#after(pause ?? 0, () => void this.#connect());
  }

  #close(): void {
    this.#cancelTimer();
    const peer = this.#peer;
    this.#peer = null;
    this.#sender = null;
    if (peer === null) return;
    peer.ontrack = null;
    peer.onconnectionstatechange = null;
    peer.close();
    this.#deps.play(null);
  }

  #after(ms: number, run: () => void): void {
    this.#cancelTimer();
    this.#timer = setTimeout(run, ms);
  }

  #cancelTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #become(state: AudioState): void {
    this.#state = state;
    this.#deps.changed(state);
  }
}

const troubleOf = (error: unknown): MicrophoneTrouble =>
  error instanceof MicrophoneRefused ? error.trouble : "busy";
