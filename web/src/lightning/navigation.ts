/** `lightning/navigation`: page references become addresses of the console. */
import { host } from "./host.ts";

interface PageReference {
  type: string;
  attributes?: Readonly<Record<string, string | undefined>>;
  state?: Readonly<Record<string, string | undefined>>;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what TypeScript asks of a mixin
type Constructor = new (...parameters: any[]) => object;

/** The address of a page reference; null for a type that this console has no page for. */
export function addressOf(reference: PageReference): string | null {
  const at = reference.attributes ?? {};
  switch (reference.type) {
    case "standard__webPage":
      return at["url"] ?? null;
    case "standard__navItemPage":
      return `/lightning/n/${at["apiName"] ?? ""}`;
    case "standard__objectPage":
      return at["actionName"] === "new"
        ? `/lightning/o/${at["objectApiName"] ?? ""}/new`
        : `/lightning/o/${at["objectApiName"] ?? ""}/list`;
    case "standard__recordPage":
      return `/lightning/r/${at["objectApiName"] === undefined ? "" : `${at["objectApiName"]}/`}${at["recordId"] ?? ""}/view`;
    case "standard__namedPage":
      return at["pageName"] === "home" ? "/lightning/page/home" : null;
    default:
      return null;
  }
}

const Navigate = Symbol("Navigate");
const GenerateUrl = Symbol("GenerateUrl");

function mixin<Base extends Constructor>(base: Base) {
  return class extends base {
    [Navigate](reference: PageReference): void {
      const address = addressOf(reference);
      if (address === null) throw new Error(`no page for ${reference.type}`);
      if (address.startsWith("/")) host().navigate(address);
      else window.open(address, "_blank", "noopener");
    }

    [GenerateUrl](reference: PageReference): Promise<string> {
      const address = addressOf(reference);
      return address === null
        ? Promise.reject(new Error(`no page for ${reference.type}`))
        : Promise.resolve(address);
    }
  };
}

/** `NavigationMixin(LightningElement)`, with `Navigate` and `GenerateUrl` as its members' names. */
export const NavigationMixin = Object.assign(mixin, { Navigate, GenerateUrl });
