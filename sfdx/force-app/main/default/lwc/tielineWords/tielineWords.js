/** Words with values in them, and what a refusal says to its reader. */
import unexpected from "@salesforce/label/c.Tieline_Problem_Unexpected";
import noAccess from "@salesforce/label/c.Tieline_Problem_No_Access";
import unreachable from "@salesforce/label/c.Tieline_Problem_Unreachable";

/** `{0}`, `{1}` ... replaced by the values. */
export const filled = (text, ...values) => text.replace(/\{(\d)\}/g, (whole, at) => String(values[Number(at)] ?? whole));

/** What went wrong, as a sentence; `known` has sentences by the message of the refusal. */
export function problemOf(error, known = {}) {
  const message = error?.body?.message ?? "";
  if (Object.hasOwn(known, message)) return known[message];
  if (error?.status === 0) return unreachable;
  if (error?.status === 403 || /INSUFFICIENT_ACCESS|do not have access/i.test(message)) return noAccess;
  return unexpected;
}
