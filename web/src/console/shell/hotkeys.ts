/**
 * The console's keys as a table: what each does, and which keys it takes. Pure but for the actions handed in.
 *
 * Keys are the ones of Lightning's console apps where it has one. A key alone counts only where nobody types.
 */

/** Where focus goes; elements say so by `data-focus`. */
export type Place =
  "launcher" | "items" | "tabs" | "subtabs" | "split" | "search" | "main" | "utility" | "views";

export type Command =
  | "search"
  | "help"
  | "close"
  | "closeAll"
  | "reopen"
  | "next"
  | "previous"
  | "refresh"
  | "new"
  | "edit"
  | "split"
  | `go.${Place}`;

export interface Binding {
  command: Command;
  /** Keys one after the other; `Shift+` where a letter is meant with it. */
  keys: string[];
  /** True where tabs are needed, which only console apps have. */
  console?: boolean;
}

export const BINDINGS: readonly Binding[] = [
  { command: "search", keys: ["/"] },
  { command: "help", keys: ["?"] },
  { command: "go.launcher", keys: ["g", "a"] },
  { command: "go.items", keys: ["g", "n"] },
  { command: "go.views", keys: ["g", "l"] },
  { command: "go.main", keys: ["g", "m"] },
  { command: "go.utility", keys: ["g", "u"] },
  { command: "go.tabs", keys: ["g", "t"], console: true },
  { command: "go.subtabs", keys: ["g", "s"], console: true },
  { command: "go.split", keys: ["g", "v"], console: true },
  { command: "next", keys: ["]"], console: true },
  { command: "previous", keys: ["["], console: true },
  { command: "close", keys: ["w"], console: true },
  { command: "closeAll", keys: ["Shift+W"], console: true },
  { command: "reopen", keys: ["Shift+T"], console: true },
  { command: "split", keys: ["v"], console: true },
  { command: "edit", keys: ["e"] },
  { command: "new", keys: ["n"] },
  { command: "refresh", keys: ["r"] },
];

/** What a key is called in the table. */
export function keyName(event: Pick<KeyboardEvent, "key" | "shiftKey">): string {
  const { key } = event;
  if (key.length !== 1) return key;
  return event.shiftKey && /[a-z]/i.test(key) ? `Shift+${key.toUpperCase()}` : key;
}

/** What the keys typed so far are: a command, the beginning of one, or nothing. */
export function read(typed: readonly string[], isConsole: boolean): Command | "more" | null {
  const known = BINDINGS.filter((binding) => isConsole || binding.console !== true);
  const begins = known.filter((binding) => typed.every((key, at) => binding.keys[at] === key));
  const exact = begins.find((binding) => binding.keys.length === typed.length);
  return exact?.command ?? (begins.length > 0 ? "more" : null);
}

/** True where keys alone are text, or belong to something that is open. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest(
        "input:not([type=checkbox], [type=radio]), textarea, select, [role=dialog], [role=menu], [role=listbox]:not(.console-split__rows)",
      ) !== null)
  );
}
