/** `@salesforce/apex/Class.method`: a call to the org, imperative or wired. */
import { ask, type Refusal } from "./host.ts";

type Provide = (value: { data?: unknown; error?: Refusal | undefined }) => void;

/** A method of a class: call it with named parameters, or wire it. */
export function apexMethod(className: string, method: string) {
  const call = (parameters: Readonly<Record<string, unknown>> = {}): Promise<unknown> =>
    ask(`/console/api/apex/${className}/${method}`, "POST", parameters);

  /** Calls when all parameters are known, and again when they change. */
  class Adapter {
    private turn = 0;
    private readonly provide: Provide;

    constructor(provide: Provide) {
      this.provide = provide;
      provide({ data: undefined, error: undefined });
    }

    update(config: Readonly<Record<string, unknown>>): void {
      if (Object.values(config).some((value) => value === undefined)) return;
      const turn = ++this.turn;
      call(config).then(
        (data) => {
          if (turn === this.turn) this.provide({ data, error: undefined });
        },
        (error: unknown) => {
          if (turn === this.turn) this.provide({ data: undefined, error: error as Refusal });
        },
      );
    }

    connect(): void {}

    disconnect(): void {
      this.turn += 1;
    }
  }

  return Object.assign(call, { adapter: Adapter });
}
