import { formatDuration } from "../ui/format.ts";

/** Time since a server moment as `0:05`; `offset` is the server's clock minus ours. */
export const since = (at: string, now: number, offset: number): string =>
  formatDuration((now + offset - Date.parse(at)) / 1000);

/** Whole seconds left of a span, never less than none and, our clock being a beat late, never more than all. */
export function secondsLeft(from: string, to: string, now: number, offset: number): number {
  const whole = Date.parse(to) - Date.parse(from);
  return Math.ceil(Math.max(0, Math.min(whole, Date.parse(to) - now - offset)) / 1000);
}

/** How much of a span is left, from 1 to 0. */
export function shareLeft(from: string, to: string, now: number, offset: number): number {
  const whole = Date.parse(to) - Date.parse(from);
  return whole > 0 ? Math.min(1, Math.max(0, (Date.parse(to) - now - offset) / whole)) : 0;
}
