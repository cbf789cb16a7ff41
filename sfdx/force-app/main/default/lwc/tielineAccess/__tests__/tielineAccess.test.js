import { createElement } from "lwc";
import TielineAccess from "c/tielineAccess";
import authorize from "@salesforce/apex/TielineAccess.authorize";
import revoke from "@salesforce/apex/TielineAccess.revoke";
import status from "@salesforce/apex/TielineAccess.status";

jest.mock("@salesforce/apex/TielineAccess.authorize", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("@salesforce/apex/TielineAccess.revoke", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("@salesforce/apex/TielineAccess.status", () => ({ default: jest.fn() }), { virtual: true });

const PORTAL = "https://portal.example";
const CONSENT = `${PORTAL}/oauth/authorize?x=1`;
const settled = () => Array.from({ length: 12 }).reduce((before) => before.then(() => {}), Promise.resolve());
const told = (state, more = {}) => ({
  state,
  portal: PORTAL,
  allowedBy: "Ann",
  at: "2026-12-01T10:00:00Z",
  expiresAt: null,
  scopes: ["user_info:read", "something:new"],
  account: null,
  user: null,
  ...more,
});
const none = told("none", { allowedBy: null, at: null, scopes: [] });

describe("c-tieline-access", () => {
  let element;
  let opened;

  async function shown(found) {
    status.mockResolvedValue(found);
    element = createElement("c-tieline-access", { is: TielineAccess });
    document.body.appendChild(element);
    await settled();
  }
  const button = (label) => [...element.querySelectorAll("lightning-button")].find((each) => each.label === label);
  const problem = () => element.querySelector("[role=alert]")?.textContent ?? "";
  async function press(label) {
    button(label).click();
    await settled();
  }
  async function looked(times = 1) {
    for (let turn = 0; turn < times; turn++) {
      jest.advanceTimersByTime(300);
      // eslint-disable-next-line no-await-in-loop -- one look after the other
      await settled();
    }
  }
  const comesBack = (search) => {
    opened.location = { origin: window.location.origin, pathname: "/lightning/n/Tieline_Settings", search };
  };

  beforeEach(() => {
    jest.useFakeTimers();
    opened = { closed: false, location: "", close: jest.fn() };
    window.open = jest.fn(() => opened);
    HTMLDialogElement.prototype.showModal = jest.fn();
    authorize.mockResolvedValue(CONSENT);
    revoke.mockResolvedValue(true);
  });
  afterEach(() => {
    document.body.replaceChildren();
    jest.clearAllMocks();
    jest.useRealTimers();
  });

  it("opens the consent in a window, closes it once it is back, and says who authorized", async () => {
    await shown(none);
    await press("c.Tieline_Access_Authorize");
    expect(opened.location).toBe(CONSENT);
    expect(element.textContent).toContain("c.Tieline_Access_Waiting");
    await looked(2);
    comesBack("");
    status.mockResolvedValue(told("authorized", { account: "Acme", user: "ann@acme.example" }));
    await looked();
    expect(opened.close).toHaveBeenCalled();
    expect(element.querySelector("dl").textContent).toContain("ann@acme.example");
    expect(element.querySelector("dl").textContent).toContain("something:new");
    expect(problem()).toBe("");
    expect(button("c.Tieline_Access_Revoke")).toBeDefined();
  });

  it("says so by itself when the access is removed in the portal, and when the portal is back", async () => {
    const later = async (found) => {
      status.mockResolvedValue(found);
      jest.advanceTimersByTime(5000);
      await settled();
    };
    await shown(told("authorized", { account: "Acme", user: "ann@acme.example" }));
    await later(told("unreachable"));
    expect(problem()).toContain("c.Tieline_Access_Unreachable");
    await later(told("authorized", { account: "Acme", user: "ann@acme.example" }));
    expect(problem()).toBe("");
    await later(told("ended"));
    expect(problem()).toContain("c.Tieline_Access_Ended");
    expect(element.textContent).toContain("c.Tieline_Access_None");
    expect(button("c.Tieline_Access_Authorize")).toBeDefined();
    status.mockClear();
    jest.advanceTimersByTime(60_000);
    expect(status).not.toHaveBeenCalled();
  });

  it.each([
    ["?error=access_denied", "c.Tieline_Access_Denied"],
    ["?error=temporarily_unavailable", "c.Tieline_Access_Failed"],
  ])("says what the window came back with: %s", async (search, words) => {
    await shown(none);
    await press("c.Tieline_Access_Authorize");
    comesBack(search);
    await looked();
    expect(problem()).toContain(words);
    expect(button("c.Tieline_Access_Authorize")).toBeDefined();
  });

  it("says that the window was closed, and that the browser kept it from opening", async () => {
    await shown(none);
    await press("c.Tieline_Access_Authorize");
    opened.closed = true;
    await looked();
    expect(problem()).toContain("c.Tieline_Access_Closed");
    window.open = jest.fn(() => null);
    await press("c.Tieline_Access_Authorize");
    expect(problem()).toContain("c.Tieline_Access_Blocked");
    expect(authorize).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["ended", "c.Tieline_Access_Ended", "c.Tieline_Access_Authorize"],
    ["noPrincipal", "c.Tieline_Access_No_Principal", "c.Tieline_Retry"],
    ["unreachable", "c.Tieline_Access_Unreachable", "c.Tieline_Retry"],
  ])("says plainly that the access is %s, and offers what helps", async (state, words, way) => {
    await shown(told(state));
    expect(problem()).toContain(words);
    expect(button(way)).toBeDefined();
  });

  it("says that the wrong account consented, and gives that back before it asks again", async () => {
    await shown(none);
    await press("c.Tieline_Access_Authorize");
    comesBack("");
    status.mockResolvedValue(told("elsewhere", { account: "Other", user: "bob@other.example" }));
    await looked();
    expect(problem()).toContain("c.Tieline_Access_Wrong_Account_Explain");
    expect(element.querySelector(".slds-badge").textContent).toBe("c.Tieline_Access_Wrong_Account");
    expect(button("c.Tieline_Access_Revoke")).toBeDefined();
    await press("c.Tieline_Access_Authorize");
    expect(revoke.mock.invocationCallOrder[0]).toBeLessThan(authorize.mock.invocationCallOrder[1]);
  });

  it("says what keeps the authorization from beginning", async () => {
    authorize.mockRejectedValue({ status: 400, body: { message: "REFUSED" } });
    await shown(none);
    await press("c.Tieline_Access_Authorize");
    expect(problem()).toContain("c.Tieline_Access_Refused");
    expect(opened.close).toHaveBeenCalled();
  });

  it("asks before it revokes", async () => {
    await shown(told("authorized"));
    await press("c.Tieline_Access_Revoke");
    expect(revoke).not.toHaveBeenCalled();
    status.mockResolvedValue(none);
    [...element.querySelectorAll("c-tieline-dialog lightning-button")].at(-1).click();
    await settled();
    expect(revoke).toHaveBeenCalledTimes(1);
    expect(button("c.Tieline_Access_Authorize")).toBeDefined();
  });
});
