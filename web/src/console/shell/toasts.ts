/** Short messages at the top of the console. Good news goes by itself, bad news waits to be closed. */
import { createStore } from "../data/store.ts";
import type { ToastVariant } from "../../ui/controls.tsx";

export interface ToastMessage {
  key: number;
  variant: ToastVariant;
  text: string;
  /** Where the message leads to: the words of `text` that are the link, and its address. */
  link?: { label: string; path: string };
  /** What may still be done about it, such as undoing. */
  action?: { label: string; run: () => void };
}

export const toasts = createStore<ToastMessage[]>([]);
const SHOWN_MS = 5_000;
/** There is something to decide: longer. */
const SHOWN_WITH_ACTION_MS = 12_000;
let lastKey = 0;

export function toast(message: Omit<ToastMessage, "key">): void {
  const key = ++lastKey;
  toasts.set((current) => [...current.slice(-2), { ...message, key }]);
  const shown = message.action === undefined ? SHOWN_MS : SHOWN_WITH_ACTION_MS;
  if (message.variant !== "error") window.setTimeout(() => closeToast(key), shown);
}

export function closeToast(key: number): void {
  toasts.set((current) => current.filter((each) => each.key !== key));
}
