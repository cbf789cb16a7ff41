import { formatDuration } from "../ui/format.ts";

/** Time since a server moment as `0:05`; `now` is the server's, in ms since the epoch, here and below. */
export const since = (at: string, now: number): string => formatDuration((now - Date.parse(at)) / 1000);

/** Whole seconds left of a span, never less than none and, our clock being a beat late, never more than all. */
export function secondsLeft(from: string, to: string, now: number): number {
  const whole = Date.parse(to) - Date.parse(from);
  return Math.ceil(Math.max(0, Math.min(whole, Date.parse(to) - now)) / 1000);
}

/** How much of a span is left, from 1 to 0. */
export function shareLeft(from: string, to: string, now: number): number {
  const whole = Date.parse(to) - Date.parse(from);
  return whole > 0 ? Math.min(1, Math.max(0, (Date.parse(to) - now) / whole)) : 0;
}
