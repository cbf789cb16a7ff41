/** `lightning/uiRecordApi`, as far as components of packages here use it: records over the org's User Interface API. */
import { ask, type Refusal } from "./host.ts";

const RECORDS = "/console/api/data/v66.0/ui-api/records";

export type FieldRef = string | { fieldApiName: string; objectApiName: string };

interface RecordFields {
  id: string;
  fields: Record<string, { value: unknown; displayValue: string | null }>;
}

interface Config {
  recordId?: string | undefined;
  fields?: FieldRef[] | undefined;
  optionalFields?: FieldRef[] | undefined;
}

type Provide = (value: { data?: RecordFields | undefined; error?: Refusal | undefined }) => void;

const wired = new Set<{ id: string; read: () => void }>();

const qualified = (field: FieldRef): string =>
  typeof field === "string" ? field : `${field.objectApiName}.${field.fieldApiName}`;

/** Reads the record anew wherever it is wired: something other than these functions has changed it. */
export function notifyRecordUpdateAvailable(records: readonly { recordId: string }[]): Promise<void> {
  const ids = new Set(records.map((each) => each.recordId));
  for (const each of wired) if (ids.has(each.id)) each.read();
  return Promise.resolve();
}

/** Makes a record: `{apiName, fields}`. */
export const createRecord = (input: { apiName: string; fields: Record<string, unknown> }): Promise<unknown> =>
  ask(RECORDS, "POST", input);

/** Changes a record: `{fields}`, its `Id` among them. */
export async function updateRecord(input: { fields: Record<string, unknown> }): Promise<unknown> {
  const { Id: id, ...fields } = input.fields;
  const changed = await ask(`${RECORDS}/${String(id)}`, "PATCH", { fields });
  await notifyRecordUpdateAvailable([{ recordId: String(id) }]);
  return changed;
}

export async function deleteRecord(recordId: string): Promise<void> {
  await ask(`${RECORDS}/${recordId}`, "DELETE");
}

/** The value of a field of a record that was read. */
export function getFieldValue(record: RecordFields | undefined, field: FieldRef): unknown {
  const name = typeof field === "string" ? field.split(".").slice(1).join(".") : field.fieldApiName;
  return record?.fields[name]?.value;
}

/** Wire adapter: a record with the fields asked for. */
export class getRecord {
  private readonly provide: Provide;
  private readonly entry = { id: "", read: () => undefined as void };
  private turn = 0;

  constructor(provide: Provide) {
    this.provide = provide;
    provide({ data: undefined, error: undefined });
  }

  update(config: Config): void {
    const { recordId, fields = [], optionalFields = [] } = config;
    if (recordId === undefined || recordId === null || fields.length + optionalFields.length === 0) return;
    const query = new URLSearchParams();
    if (fields.length > 0) query.set("fields", fields.map(qualified).join(","));
    if (optionalFields.length > 0) query.set("optionalFields", optionalFields.map(qualified).join(","));
    this.entry.id = recordId;
    this.entry.read = () => {
      const turn = ++this.turn;
      ask(`${RECORDS}/${recordId}?${query.toString()}`).then(
        (data) => {
          if (turn === this.turn) this.provide({ data: data as RecordFields, error: undefined });
        },
        (error: unknown) => {
          if (turn === this.turn) this.provide({ data: undefined, error: error as Refusal });
        },
      );
    };
    this.entry.read();
  }

  connect(): void {
    wired.add(this.entry);
  }

  disconnect(): void {
    wired.delete(this.entry);
    this.turn += 1;
  }
}
