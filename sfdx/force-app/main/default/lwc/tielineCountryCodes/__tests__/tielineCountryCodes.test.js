import { createElement } from "lwc";
import TielineCountryCodes, { MOST } from "c/tielineCountryCodes";
import countryCodes from "@salesforce/apex/TielineSettings.countryCodes";
import phoneIndex from "@salesforce/apex/TielineSettings.phoneIndex";
import saveCountryCodes from "@salesforce/apex/TielineSettings.saveCountryCodes";
import { settingsChanged } from "c/tielinePing";

jest.mock("@salesforce/apex/TielineSettings.countryCodes", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("@salesforce/apex/TielineSettings.phoneIndex", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("@salesforce/apex/TielineSettings.saveCountryCodes", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("c/tielinePing", () => ({ settingsChanged: jest.fn() }));
jest.mock(
  "@salesforce/label/c.Tieline_Index_Loading",
  () => ({ default: "{0} of {1}" }),
  { virtual: true },
);

const settled = () => Array.from({ length: 8 }).reduce((before) => before.then(() => {}), Promise.resolve());

describe("c-tieline-country-codes", () => {
  let element;
  let toasts;

  async function shown(codes) {
    countryCodes.mockResolvedValue(codes);
    element = createElement("c-tieline-country-codes", { is: TielineCountryCodes });
    element.addEventListener("lightning__showtoast", (event) => toasts.push(event.detail));
    document.body.appendChild(element);
    await settled();
  }
  const rows = () => [...element.querySelectorAll("tbody tr")].map((row) => row.children[1].textContent);
  const button = (label) => [...element.querySelectorAll("lightning-button")].find((each) => each.label === label);
  const box = (country) => element.querySelector(`input[data-country="${country}"]`);
  async function tick(country) {
    box(country).checked = !box(country).checked;
    box(country).dispatchEvent(new CustomEvent("change"));
    await settled();
  }

  beforeEach(() => {
    toasts = [];
    HTMLDialogElement.prototype.showModal = jest.fn();
    saveCountryCodes.mockImplementation(({ codes }) => Promise.resolve(codes));
    settingsChanged.mockResolvedValue();
    phoneIndex.mockResolvedValue({ reason: "NOT_CONNECTED" });
  });
  afterEach(() => {
    document.body.replaceChildren();
    jest.clearAllMocks();
  });

  it("shows the saved codes with their countries", async () => {
    await shown(["1", "81"]);
    expect(rows()).toEqual(["+1", "+81"]);
    expect(element.querySelector("tbody").textContent).toContain("Japan");
  });

  it("offers another try where the codes cannot be read", async () => {
    countryCodes.mockRejectedValueOnce({ status: 0 });
    element = createElement("c-tieline-country-codes", { is: TielineCountryCodes });
    document.body.appendChild(element);
    await settled();
    expect(element.querySelector("[role=alert]").textContent).toContain("c.Tieline_Problem_Unreachable");
    countryCodes.mockResolvedValue(["1"]);
    button("c.Tieline_Retry").click();
    await settled();
    expect(rows()).toEqual(["+1"]);
  });

  it("adds several at once, says so, and tells the contact center", async () => {
    await shown(["1"]);
    button("c.Tieline_Codes_Add").click();
    await settled();
    expect(box("US").disabled).toBe(true);
    await tick("JP");
    await tick("GB");
    button("c.Tieline_Codes_Add_Count").click();
    await settled();
    expect(saveCountryCodes).toHaveBeenCalledWith({ codes: ["1", "81", "44"] });
    expect(rows()).toEqual(["+1", "+81", "+44"]);
    expect(toasts).toMatchObject([{ variant: "success" }]);
    expect(settingsChanged).toHaveBeenCalledTimes(1);
  });

  it("finds countries by name, letters and code", async () => {
    await shown(["1"]);
    button("c.Tieline_Codes_Add").click();
    await settled();
    const found = async (text) => {
      const input = element.querySelector("lightning-input");
      input.value = text;
      input.dispatchEvent(new CustomEvent("change"));
      await settled();
      return [...element.querySelectorAll("input[data-country]")].map((each) => each.dataset.country);
    };
    expect(await found("japa")).toEqual(["JP"]);
    expect(await found("gb")).toContain("GB");
    expect(await found("+81")).toEqual(["JP"]);
    expect(await found("nowhere")).toEqual([]);
  });

  it("picks no two countries of one code, and no more than fit", async () => {
    await shown(Array.from({ length: MOST - 1 }, (_, n) => String(200 + n)));
    button("c.Tieline_Codes_Add").click();
    await settled();
    await tick("US");
    await tick("CA");
    expect(element.querySelector("[role=alert]").textContent).toBe("c.Tieline_Codes_Duplicate");
    expect(box("CA").checked).toBe(false);
    await tick("JP");
    expect(element.querySelector("[role=alert]").textContent).toBe("c.Tieline_Codes_Full");
  });

  it("removes a code, but never the last", async () => {
    await shown(["1", "81"]);
    element.querySelector('lightning-button-icon[data-code="1"]').click();
    await settled();
    expect(rows()).toEqual(["+81"]);
    element.querySelector('lightning-button-icon[data-code="81"]').click();
    await settled();
    expect(saveCountryCodes).toHaveBeenCalledTimes(1);
    expect(toasts.at(-1)).toMatchObject({ variant: "error", title: "c.Tieline_Codes_Remove_Last" });
  });

  it("follows the index with the new codes until it is done", async () => {
    jest.useFakeTimers();
    const told = (codes, state, loaded, total) => phoneIndex.mockResolvedValue({ reason: null, codes, state, loaded, total });
    const said = () => element.querySelector("p[role=status]").textContent;
    const later = async () => {
      jest.advanceTimersByTime(1000);
      await settled();
    };
    try {
      told(["1", "81"], "ready", 5000, 5000);
      await shown(["1", "81"]);
      expect(said()).toBe("c.Tieline_Index_Ready_Count");
      await later();
      expect(phoneIndex).toHaveBeenCalledTimes(1);
      element.querySelector('lightning-button-icon[data-code="1"]').click();
      await settled();
      expect(said()).toBe("c.Tieline_Index_Waiting");
      told(["81"], "loading", 0, null);
      await later();
      expect(said()).toBe("c.Tieline_Index_Loading_Unknown");
      expect(element.querySelector("progress")).toBeNull();
      told(["81"], "loading", 2000, 5000);
      await later();
      expect(said()).toBe("2,000 of 5,000");
      const { max, value } = element.querySelector("progress");
      expect([max, value]).toEqual([5000, 2000]);
      told(["81"], "ready", 5000, 5000);
      await later();
      expect(said()).toBe("c.Tieline_Index_Ready_Count");
      expect(element.querySelector("progress")).toBeNull();
      const asked = phoneIndex.mock.calls.length;
      await later();
      expect(phoneIndex).toHaveBeenCalledTimes(asked);
    } finally {
      jest.useRealTimers();
    }
  });

  it("says why it is not told how far the index is, and asks again where nobody answers", async () => {
    jest.useFakeTimers();
    const said = () => element.querySelector("p[role=status]").textContent;
    try {
      for (const [reason, words] of [
        ["NOT_AUTHORIZED", "c.Tieline_Index_Not_Authorized"],
        ["NO_PRINCIPAL", "c.Tieline_Index_Not_Authorized"],
        ["NOT_CONNECTED", "c.Tieline_Index_Not_Connected"],
      ]) {
        phoneIndex.mockResolvedValue({ reason });
        // eslint-disable-next-line no-await-in-loop -- one page after the other
        await shown(["1"]);
        expect(said()).toBe(words);
        document.body.replaceChildren();
      }
      phoneIndex.mockRejectedValueOnce({ status: 0 });
      await shown(["1"]);
      expect(said()).toBe("c.Tieline_Index_Unreachable");
      jest.advanceTimersByTime(5000);
      await settled();
      expect(said()).toBe("c.Tieline_Index_Not_Connected");
    } finally {
      jest.useRealTimers();
    }
  });

  it("keeps what is shown where saving is refused", async () => {
    await shown(["1", "81"]);
    saveCountryCodes.mockRejectedValue({ status: 500, body: { message: "TOO_MANY" } });
    element.querySelector('lightning-button-icon[data-code="81"]').click();
    await settled();
    expect(rows()).toEqual(["+1", "+81"]);
    expect(toasts).toMatchObject([{ variant: "error", title: "c.Tieline_Codes_Full" }]);
    expect(settingsChanged).not.toHaveBeenCalled();
  });
});
