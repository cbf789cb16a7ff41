/**
 * The standby address of a call center: where a softphone that does not say in time that it has started is loaded from
 * instead. Once it was needed it stays in use until the browser is closed, as in Salesforce.
 */
import { useEffect, useState } from "react";
import { createStore } from "../data/store.ts";

/** Whether the softphone that is loaded now has said that it is ready. */
export const initialized = createStore(false);

export interface Standby {
  url: string;
  timeoutMs: number;
}

/** What the call center's settings say; null where they name no standby, or no time to wait for it. */
export function standbyOf(settings: Record<string, string>): Standby | null {
  const url = settings["/reqGeneralInfo/reqStandbyUrl"] ?? "";
  const timeout = settings["/reqGeneralInfo/reqTimeout"] ?? "";
  return /^https?:\/\//.test(url) && /^[1-9]\d{0,8}$/.test(timeout)
    ? { url, timeoutMs: Number(timeout) }
    : null;
}

const MEMORY = "softphone-standby";

/** The address to load the softphone from now: the adapter's, or the standby's once the adapter was late. */
export function useAdapterUrl(adapterUrl: string, settings: Record<string, string>): string {
  const standby = standbyOf(settings);
  const [late, setLate] = useState(() => standby !== null && sessionStorage.getItem(MEMORY) === standby.url);
  const url = standby?.url ?? null;
  const timeoutMs = standby?.timeoutMs ?? 0;
  useEffect(() => {
    initialized.set(false);
    if (url === null || late) return;
    const timer = window.setTimeout(() => {
      if (initialized.get()) return;
      sessionStorage.setItem(MEMORY, url);
      setLate(true);
    }, timeoutMs);
    return () => window.clearTimeout(timer);
  }, [url, timeoutMs, late]);
  return late && url !== null ? url : adapterUrl;
}
