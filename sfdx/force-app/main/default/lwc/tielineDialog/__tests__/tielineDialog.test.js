import { createElement } from "lwc";
import TielineDialog from "c/tielineDialog";

describe("c-tieline-dialog", () => {
  let dialog;
  let closed;

  beforeEach(() => {
    HTMLDialogElement.prototype.showModal = function showModal() {
      this.setAttribute("open", "");
    };
    const element = createElement("c-tieline-dialog", { is: TielineDialog });
    element.heading = "Add";
    closed = jest.fn();
    element.addEventListener("close", closed);
    document.body.appendChild(element);
    dialog = element.querySelector("dialog");
  });
  afterEach(() => {
    document.body.replaceChildren();
    delete HTMLDialogElement.prototype.showModal;
  });

  it("opens as a modal with its heading", () => {
    expect(dialog.hasAttribute("open")).toBe(true);
    expect(dialog.getAttribute("aria-label")).toBe("Add");
  });

  it("asks to be closed by the cross, by the browser, and by Escape in a search field", () => {
    dialog.querySelector("lightning-button-icon").click();
    dialog.dispatchEvent(new CustomEvent("cancel", { cancelable: true }));
    dialog.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    expect(closed).toHaveBeenCalledTimes(3);
  });

  it("leaves Escape to an input method", () => {
    dialog.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", isComposing: true }));
    dialog.dispatchEvent(new KeyboardEvent("keydown", { key: "a" }));
    expect(closed).not.toHaveBeenCalled();
  });
});
