/** `lightning/messageService`, as far as components of packages here use it: message channels of this console window. */
import { host } from "./host.ts";

/** Every scope is the window's: components here live in one application. */
export const APPLICATION_SCOPE = Symbol("APPLICATION_SCOPE");

export const createMessageContext = (): object => ({});

export const releaseMessageContext = (): void => undefined;

export function publish(_context: object, channel: string, message: unknown): void {
  host().publish(channel, message);
}

export const subscribe = (
  _context: object,
  channel: string,
  listener: (message: unknown) => void,
): { end: () => void } => ({ end: host().subscribe(channel, listener) });

export const unsubscribe = (subscription: { end: () => void } | null): void => subscription?.end();
