/**
 * `opencti_min.js`: the script that a softphone page loads from the org to get `sforce.opencti`.
 * Loaded twice it stays the first one, so that listeners and callbacks are not doubled.
 */
import { connect, type OpenCti } from "./client.ts";

declare global {
  interface Window {
    sforce?: { opencti?: OpenCti };
  }
}

/** A parameter of the page's address; Salesforce itself spells `sfdcIframeOrigin` in two ways. */
function parameter(name: string): string | null {
  for (const [key, value] of new URLSearchParams(window.location.search)) {
    if (key.toLowerCase() === name.toLowerCase()) return value;
  }
  return null;
}

/** Where the page says that it is embedded, the most explicit first. */
const claims = [
  parameter("sfdcIframeOrigin"),
  document.referrer,
  // Not in every browser; where it is, it outlives redirects and sign-ins inside of the frame.
  ...Array.from((window.location as { ancestorOrigins?: DOMStringList }).ancestorOrigins ?? []),
];
const source = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : null;
window.sforce ??= {};
window.sforce.opencti ??= connect(window, source, claims);
