import { createElement } from "lwc";
import { createRecord, updateRecord } from "lightning/uiRecordApi";
import TielineProducts from "c/tielineProducts";
import product from "@salesforce/apex/TielineSetup.product";
import { settingsChanged } from "c/tielinePing";

jest.mock("@salesforce/apex/TielineSetup.product", () => ({ default: jest.fn() }), { virtual: true });
jest.mock("@salesforce/apex/TielineGuide.state", () => ({ default: jest.fn(() => new Promise(() => {})) }), {
  virtual: true,
});
jest.mock("c/tielinePing", () => ({ settingsChanged: jest.fn() }));

const INACTIVE = { recordId: null, active: false, activatedAt: null, activatedBy: null };
const ACTIVE = { recordId: "a01000000000001AAA", active: true, activatedAt: "2026-11-22T10:00:00Z", activatedBy: "Ada" };
const settled = () => Array.from({ length: 8 }).reduce((before) => before.then(() => {}), Promise.resolve());

describe("c-tieline-products", () => {
  let element;
  let toasts;

  async function shown(state) {
    product.mockResolvedValue(state);
    element = createElement("c-tieline-products", { is: TielineProducts });
    element.addEventListener("lightning__showtoast", (event) => toasts.push(event.detail));
    document.body.appendChild(element);
    await settled();
  }
  const button = (label) => [...element.querySelectorAll("lightning-button")].find((each) => each.label === label);

  beforeEach(() => {
    toasts = [];
    HTMLDialogElement.prototype.showModal = jest.fn();
    createRecord.mockResolvedValue({});
    updateRecord.mockResolvedValue({});
  });
  afterEach(() => {
    document.body.replaceChildren();
    jest.clearAllMocks();
  });

  it("activates for the first time with a record of its own", async () => {
    await shown(INACTIVE);
    expect(element.querySelector(".slds-badge").textContent).toBe("c.Tieline_Product_Inactive");
    product.mockResolvedValue(ACTIVE);
    button("c.Tieline_Product_Activate").click();
    await settled();
    const [{ apiName, fields }] = createRecord.mock.calls[0];
    expect(apiName).toBe("Tieline_Product_Setup__c");
    expect(fields).toMatchObject({ Name: "ContactCenter", Product__c: "ContactCenter", Active__c: true });
    expect(element.querySelector(".slds-badge").textContent).toBe("c.Tieline_Product_Active");
    expect(toasts).toMatchObject([{ variant: "success", title: "c.Tieline_Product_Activated" }]);
    expect(settingsChanged).toHaveBeenCalledTimes(1);
    expect(element.querySelector("c-tieline-guide").recordId).toBe(ACTIVE.recordId);
  });

  it("activates again with the record there is", async () => {
    await shown({ ...ACTIVE, active: false });
    button("c.Tieline_Product_Activate").click();
    await settled();
    expect(element.querySelector("c-tieline-guide")).toBeNull();
    expect(createRecord).not.toHaveBeenCalled();
    expect(updateRecord.mock.calls[0][0].fields).toMatchObject({ Id: ACTIVE.recordId, Active__c: true });
  });

  it("opens the guide where it was left, and hides the way to it meanwhile", async () => {
    await shown({ ...ACTIVE, step: "users" });
    button("c.Tieline_Guide_View").click();
    await settled();
    expect(element.querySelector("c-tieline-guide").start).toBe("users");
    expect(button("c.Tieline_Guide_View")).toBeUndefined();
    product.mockResolvedValue({ ...ACTIVE, step: "connect" });
    element.querySelector("c-tieline-guide").dispatchEvent(new CustomEvent("close"));
    await settled();
    expect(element.querySelector("c-tieline-guide")).toBeNull();
    button("c.Tieline_Guide_View").click();
    await settled();
    expect(element.querySelector("c-tieline-guide").start).toBe("connect");
  });

  it("deactivates only once that is confirmed", async () => {
    await shown(ACTIVE);
    button("c.Tieline_Product_Deactivate").click();
    await settled();
    expect(updateRecord).not.toHaveBeenCalled();
    const ask = element.querySelector("c-tieline-dialog");
    expect(ask.heading).toBe("c.Tieline_Product_Deactivate_Ask");
    product.mockResolvedValue({ ...ACTIVE, active: false });
    [...ask.querySelectorAll("lightning-button")].find((each) => each.variant === "destructive").click();
    await settled();
    expect(updateRecord.mock.calls[0][0].fields).toEqual({ Id: ACTIVE.recordId, Active__c: false });
    expect(element.querySelector("c-tieline-dialog")).toBeNull();
  });

  it("says what went wrong, and shows what holds", async () => {
    await shown(INACTIVE);
    createRecord.mockRejectedValue({ status: 403, body: { message: "INSUFFICIENT_ACCESS" } });
    button("c.Tieline_Product_Activate").click();
    await settled();
    expect(toasts).toMatchObject([{ variant: "error", title: "c.Tieline_Problem_No_Access" }]);
    expect(button("c.Tieline_Product_Activate").disabled).toBe(false);
    expect(settingsChanged).not.toHaveBeenCalled();
  });
});
