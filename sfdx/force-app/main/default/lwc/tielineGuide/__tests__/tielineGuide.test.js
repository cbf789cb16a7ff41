import { createElement } from "lwc";
import { updateRecord } from "lightning/uiRecordApi";
import TielineGuide from "c/tielineGuide";
import state from "@salesforce/apex/TielineGuide.state";
import { sentenceOf } from "c/tielineGuideWords";
import CASES from "../../../../../../cases/TielineGuideSteps.json";

jest.mock("@salesforce/apex/TielineGuide.state", () => ({ default: jest.fn() }), { virtual: true });

const NAMES = CASES[0].steps.map((each) => each.name);
const ALL = CASES.find((each) => each.steps.every((step) => step.state === "done")).steps;
const BROKEN = ALL.map((each) => ({ ...each, state: "open", code: each.name === "users" ? "NONE" : each.code }));
const settled = () => Array.from({ length: 8 }).reduce((before) => before.then(() => {}), Promise.resolve());

describe("c-tieline-guide", () => {
  let element;

  async function shown(steps, more = {}) {
    state.mockResolvedValue({ steps, portal: "https://contact.example.com", asking: false, ...more });
    element = createElement("c-tieline-guide", { is: TielineGuide });
    Object.assign(element, { recordId: "a01000000000001AAA", start: more.start });
    document.body.appendChild(element);
    await settled();
  }
  const button = (label) => [...element.querySelectorAll("lightning-button")].find((each) => each.label === label);
  const badge = (name) => element.querySelector(`[data-badge="${name}"]`).textContent;
  const current = () => element.querySelector('[aria-current="step"]').dataset.step;

  beforeEach(() => {
    jest.useFakeTimers();
    updateRecord.mockResolvedValue({});
  });
  afterEach(() => {
    document.body.replaceChildren();
    jest.clearAllMocks();
    jest.useRealTimers();
  });

  it("has a sentence for every code of the table", () => {
    const without = CASES.flatMap(({ steps }) => steps).filter(({ name, code }) => sentenceOf(name, code) === code);
    expect(without).toEqual([]);
  });

  it("walks from the first step to the last, and keeps where it is", async () => {
    await shown(ALL);
    expect(current()).toBe("authorize");
    expect(button("c.Tieline_Guide_Back").disabled).toBe(true);
    for (const name of NAMES.slice(1)) {
      button("c.Tieline_Guide_Next").click();
      // eslint-disable-next-line no-await-in-loop -- one step after the other
      await settled();
      expect(current()).toBe(name);
      expect(updateRecord).toHaveBeenLastCalledWith({ fields: { Id: "a01000000000001AAA", Step__c: name } });
    }
    const closed = jest.fn();
    element.addEventListener("close", closed);
    button("c.Tieline_Guide_Finish").click();
    expect(closed).toHaveBeenCalledTimes(1);
    button("c.Tieline_Guide_Back").click();
    await settled();
    expect(current()).toBe("softphoneLayout");
  });

  it("goes on where it was left", async () => {
    await shown(ALL, { start: "users" });
    expect(current()).toBe("users");
    expect(updateRecord).not.toHaveBeenCalled();
  });

  it("notices by itself what is done, and what is broken", async () => {
    await shown(BROKEN, { start: "users" });
    expect(badge("users")).toBe("c.Tieline_Guide_State_Open");
    expect(element.querySelector("[data-sentence]").textContent).toContain("c.Tieline_Guide_Users_None");
    state.mockResolvedValue({ steps: ALL, portal: null, asking: true });
    jest.advanceTimersByTime(10_000);
    await settled();
    expect(badge("users")).toBe("c.Tieline_Guide_State_Done");
    // While the org is being asked it looks sooner; without an address of the portal nothing leads there.
    expect([...element.querySelectorAll("a")].map((each) => each.href)).toEqual([
      "http://localhost/lightning/setup/CallCenters/home",
    ]);
    state.mockResolvedValue({ steps: BROKEN, portal: null, asking: false });
    jest.advanceTimersByTime(2_000);
    await settled();
    expect(badge("users")).toBe("c.Tieline_Guide_State_Open");
    window.dispatchEvent(new CustomEvent("focus"));
    await settled();
    expect(state).toHaveBeenCalledTimes(4);
  });

  it("leads to where a step is done, and to its help", async () => {
    await shown(ALL, { start: "connect" });
    expect([...element.querySelectorAll("a")].map((each) => each.href)).toEqual([
      "https://contact.example.com/portal/connections",
      "https://contact.example.com/portal/help/connect",
    ]);
    const asked = jest.fn();
    element.addEventListener("opentab", (event) => asked(event.detail));
    element.querySelector('[data-step="countryCodes"]').click();
    await settled();
    button("c.Tieline_Guide_Open_Tab").click();
    expect(asked).toHaveBeenCalledWith("codes");
  });

  it("says what went wrong, and asks again", async () => {
    state.mockRejectedValue({ status: 403, body: { message: "INSUFFICIENT_ACCESS" } });
    element = createElement("c-tieline-guide", { is: TielineGuide });
    document.body.appendChild(element);
    await settled();
    expect(element.querySelector("[role=alert]").textContent).toContain("c.Tieline_Problem_No_Access");
    state.mockResolvedValue({ steps: ALL, portal: null, asking: false });
    button("c.Tieline_Retry").click();
    await settled();
    expect(current()).toBe("authorize");
  });
});
