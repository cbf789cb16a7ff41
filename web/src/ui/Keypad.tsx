/** The twelve keys of a telephone. Pressed by pointer or by typing; the tone of each key is heard here. */
import type { KeyboardEvent, ReactNode } from "react";
import { playKey } from "./tones.ts";

const KEYS: readonly (readonly [key: string, letters: string])[] = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
];

/** Full-width digits are what a Japanese input method types. */
export const keyOf = (typed: string): string | null => {
  const key = typed.normalize("NFKC").toUpperCase();
  return /^[0-9A-D*#]$/.test(key) ? key : null;
};

export function Keypad({
  label,
  starLabel,
  poundLabel,
  typing = false,
  onKey,
}: {
  label: string;
  /** Spoken names of the two keys that are no digits. */
  starLabel: string;
  poundLabel: string;
  /** Keys of the keyboard are keys of the pad while it has the focus, and the first key takes it. */
  typing?: boolean;
  onKey: (key: string) => void;
}): ReactNode {
  const press = (key: string) => {
    playKey(key);
    onKey(key);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = keyOf(event.key);
    if (key === null) return;
    event.preventDefault();
    press(key);
  };
  const names: Record<string, string> = { "*": starLabel, "#": poundLabel };
  return (
    <div className="ui-keypad" role="group" aria-label={label} onKeyDown={onKeyDown}>
      {KEYS.map(([key, letters], index) => (
        <button
          key={key}
          type="button"
          className="ui-key"
          aria-label={names[key]}
          data-letters={letters}
          autoFocus={typing && index === 0}
          onClick={() => press(key)}
        >
          {key}
        </button>
      ))}
    </div>
  );
}
