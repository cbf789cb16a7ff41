/** `lightning/platformShowToastEvent`: the page that shows the component listens for the event. */
export const TOAST_EVENT = "lightning__showtoast";

export interface ToastDetail {
  title?: string;
  message?: string;
  variant?: "info" | "success" | "warning" | "error";
  mode?: "dismissible" | "pester" | "sticky";
}

export class ShowToastEvent extends CustomEvent<ToastDetail> {
  constructor(detail: ToastDetail) {
    super(TOAST_EVENT, { bubbles: true, composed: true, cancelable: true, detail });
  }
}
