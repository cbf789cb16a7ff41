/** Short messages at the top of the console. Good news goes by itself, bad news waits to be closed. */
import { createStore } from "../data/store.ts";
import type { ToastVariant } from "../../ui/controls.tsx";

export interface ToastMessage {
  key: number;
  variant: ToastVariant;
  text: string;
  /** Where the message leads to: the words of `text` that are the link, and its address. */
  link?: { label: string; path: string };
}

export const toasts = createStore<ToastMessage[]>([]);
const SHOWN_MS = 5_000;
let lastKey = 0;

export function toast(message: Omit<ToastMessage, "key">): void {
  const key = ++lastKey;
  toasts.set((current) => [...current.slice(-2), { ...message, key }]);
  if (message.variant !== "error") window.setTimeout(() => closeToast(key), SHOWN_MS);
}

export function closeToast(key: number): void {
  toasts.set((current) => current.filter((each) => each.key !== key));
}
