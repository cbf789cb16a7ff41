/** The tone of a key, for the ear of whoever presses it; what the other side hears is the switch's affair. */

const ROWS_HZ = [697, 770, 852, 941];
const COLUMNS_HZ = [1209, 1336, 1477, 1633];
const KEYS = ["123A", "456B", "789C", "*0#D"];
const TONE_S = 0.12;
const VOLUME = 0.06;

let context: AudioContext | null = null;

/** The two frequencies of a key; null for what is no key. */
export function frequenciesOf(key: string): [row: number, column: number] | null {
  const row = KEYS.findIndex((keys) => key.length === 1 && keys.includes(key));
  const column = KEYS[row]?.indexOf(key) ?? -1;
  const [low, high] = [ROWS_HZ[row], COLUMNS_HZ[column]];
  return low === undefined || high === undefined ? null : [low, high];
}

/** Plays the key's tone. Call it from the key press, which lets the browser play sound. */
export function playKey(key: string): void {
  const frequencies = frequenciesOf(key);
  if (frequencies === null || typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  void context.resume().catch(() => undefined);
  const at = context.currentTime + 0.005;
  const shape = context.createGain();
  shape.gain.setValueAtTime(0, at);
  shape.gain.linearRampToValueAtTime(VOLUME, at + 0.005);
  shape.gain.setValueAtTime(VOLUME, at + TONE_S);
  shape.gain.linearRampToValueAtTime(0, at + TONE_S + 0.02);
  shape.connect(context.destination);
  for (const hz of frequencies) {
    const tone = context.createOscillator();
    tone.frequency.value = hz;
    tone.connect(shape);
    tone.start(at);
    tone.stop(at + TONE_S + 0.03);
  }
}
