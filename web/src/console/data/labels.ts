/**
 * What a field is called on a page. The org's describe has the names of its API ("Business Phone",
 * "Account ID"), which differ from those Salesforce's own pages show; the catalogue has the pages' names.
 */
type Lookup = (object: string, field: string) => string | null;

let known: Lookup = () => null;
let arrived: () => void;

/** Settles when the names are there. What is read before the page is drawn waits for it, or keeps the API's names. */
export const pageLabelsKnown = new Promise<void>((resolve) => {
  arrived = resolve;
});

/** Set once at the start, when the catalogue of the user's language is there. */
export function setPageLabels(lookup: Lookup): void {
  known = lookup;
  arrived();
}

/** A look-up is called after the record it shows, not after the id it holds. */
export function pageLabel(object: string, field: { name: string; label: string; type: string }): string {
  const own = known(object, field.name);
  if (own !== null) return own;
  return field.type === "reference" ? field.label.replace(/\s*ID$/, "") : field.label;
}
