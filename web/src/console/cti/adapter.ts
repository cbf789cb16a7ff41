/** The address of the softphone's iframe, as Lightning Experience builds it from the call center's adapter URL. */

/** The origin that the softphone's messages must have; null for an address no iframe may show. */
export function adapterOrigin(adapterUrl: string): string | null {
  if (!URL.canParse(adapterUrl)) return null;
  const url = new URL(adapterUrl);
  return url.protocol === "https:" || url.protocol === "http:" ? url.origin : null;
}

/** 32 random bytes as 64 hexadecimal digits. */
export function newNonce(): string {
  return [...crypto.getRandomValues(new Uint8Array(32))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** Id of the one app of this console, where Lightning Experience tells the id of its app. */
const APP_ID = "06m000000000001AAA";

/** The adapter URL with the parameters that Lightning Experience adds, by `?` or `&`, before a fragment. */
export function adapterAddress(adapterUrl: string, consoleOrigin: string, nonce: string): string {
  const [address = "", fragment] = adapterUrl.split("#", 2);
  const parameters = new URLSearchParams({
    mode: "Lightning",
    isdtp: "vw",
    sfdcIframeOrigin: consoleOrigin,
    nonce,
    ltn_app_id: APP_ID,
    clc: "0",
  });
  const joint = !address.includes("?") ? "?" : /[?&]$/.test(address) ? "" : "&";
  return `${address}${joint}${parameters.toString()}${fragment === undefined ? "" : `#${fragment}`}`;
}
