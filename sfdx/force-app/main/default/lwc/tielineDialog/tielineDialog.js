import { LightningElement, api } from "lwc";
import close from "@salesforce/label/c.Tieline_Close";

/** A modal dialog: the browser keeps the focus in it, Escape closes it. Tells `close`. */
export default class TielineDialog extends LightningElement {
  static renderMode = "light";

  @api heading;

  labels = { close };

  renderedCallback() {
    const dialog = this.refs.dialog;
    if (dialog && !dialog.open) dialog.showModal();
  }

  handleCancel(event) {
    event.preventDefault();
    this.close();
  }

  /** A search input keeps Escape from the browser, which then tells no `cancel`. */
  handleKeydown(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    this.close();
  }

  close() {
    this.dispatchEvent(new CustomEvent("close"));
  }
}
