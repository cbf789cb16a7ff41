/** The ring: two soft tones in turn, made here, so that nothing has to be loaded when a call comes. */

const TONES_HZ = [587.33, 783.99];
const TONE_S = 0.16;
const GAP_S = 0.06;
const PERIOD_MS = 2_400;
const VOLUME = 0.18;
/** A browser that keeps sound back does not say so: its answer to `resume` just does not come. */
const REFUSAL_MS = 500;

export class Ring {
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;
  #out: GainNode | null = null;
  readonly #changed: (blocked: boolean) => void;

  /** `changed` hears whether the browser keeps sound back until the user clicks into this page. */
  constructor(changed: (blocked: boolean) => void) {
    this.#changed = changed;
  }

  /** Makes sound possible; call it at the start of the shift and at every click. */
  wake(): void {
    const context = this.#ensure();
    if (context.state === "running") return;
    void context.resume().catch(() => undefined);
    setTimeout(() => this.#changed(this.blocked), REFUSAL_MS);
  }

  start(): void {
    if (this.#timer !== null) return;
    this.wake();
    this.#timer = setInterval(() => this.#sound(), PERIOD_MS);
    this.#sound();
  }

  /** Silence at once, also in the middle of a tone. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#out?.disconnect();
    this.#out = null;
  }

  get blocked(): boolean {
    return this.#context !== null && this.#context.state === "suspended";
  }

  #ensure(): AudioContext {
    if (this.#context === null) {
      const context = new AudioContext();
      context.onstatechange = () => this.#changed(this.blocked);
      this.#context = context;
    }
    return this.#context;
  }

  #sound(): void {
    const context = this.#ensure();
    // What is scheduled while sound is blocked would all play at once when it is allowed.
    if (context.state !== "running") return;
    this.#out?.disconnect();
    const out = context.createGain();
    out.gain.value = VOLUME;
    out.connect(context.destination);
    this.#out = out;
    for (let index = 0; index < 4; index++) {
      const at = context.currentTime + 0.02 + index * (TONE_S + GAP_S);
      const tone = context.createOscillator();
      const shape = context.createGain();
      tone.frequency.value = TONES_HZ[index % 2] ?? 0;
      shape.gain.setValueAtTime(0, at);
      shape.gain.linearRampToValueAtTime(1, at + 0.02);
      shape.gain.setTargetAtTime(0, at + TONE_S * 0.6, 0.05);
      tone.connect(shape).connect(out);
      tone.start(at);
      tone.stop(at + TONE_S + 0.25);
    }
  }
}
