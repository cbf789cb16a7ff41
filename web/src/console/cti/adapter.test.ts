import { expect, it } from "vitest";
import { adapterAddress, adapterOrigin, newNonce } from "./adapter.ts";

const CONSOLE = "http://acme.lightning.localhost:8401";

it("the parameters follow ? or &, before a fragment", () => {
  const nonce = newNonce();
  expect(nonce).toMatch(/^[0-9a-f]{64}$/);
  for (const [url, start] of [
    ["https://cti.example/callbar", "https://cti.example/callbar?mode=Lightning&"],
    ["https://cti.example/callbar?a=1", "https://cti.example/callbar?a=1&mode=Lightning&"],
    ["https://cti.example/callbar?", "https://cti.example/callbar?mode=Lightning&"],
    ["https://cti.example/callbar#x", "https://cti.example/callbar?mode=Lightning&"],
  ] as const) {
    const address = adapterAddress(url, CONSOLE, nonce);
    expect(address.startsWith(start)).toBe(true);
    const read = new URL(address).searchParams;
    expect(read.get("sfdcIframeOrigin")).toBe(CONSOLE);
    expect(read.get("isdtp")).toBe("vw");
    expect(read.get("nonce")).toBe(nonce);
    expect(read.get("clc")).toBe("0");
    expect(read.get("ltn_app_id")).toMatch(/^06m/);
  }
});

it("only web addresses have an origin to talk to", () => {
  expect(adapterOrigin("http://tieline.localhost:8400/cci/multi/callbar-cti")).toBe(
    "http://tieline.localhost:8400",
  );
  for (const url of ["javascript:alert(1)", "/apex/softphone", "", "data:text/html,x"]) {
    expect(adapterOrigin(url)).toBeNull();
  }
});
