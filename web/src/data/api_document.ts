/** The public API as its OpenAPI document tells it, and examples made of that. */
import { request } from "./http.ts";

export interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
}

export interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

interface Content {
  content?: Record<string, { schema: Schema }>;
}

export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  security: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: Content;
  responses: Record<string, Content & { description: string }>;
}

export interface ApiDocument {
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

export const DOCUMENT = "/api/v1/openapi.json";

export const readApiDocument = (signal?: AbortSignal): Promise<ApiDocument> =>
  request("GET", DOCUMENT, signal ? { signal } : {});

const SAMPLES: Record<string, string> = {
  "date-time": "2026-01-31T09:30:00Z",
  uuid: "0196c3f8-5b1c-7d0e-9a51-1f0c6f6f2a11",
};

/** A value as the schema describes it: its example where it has one. */
export function sample(schema: Schema, document: ApiDocument): unknown {
  if (schema.$ref)
    return sample(document.components.schemas[schema.$ref.split("/").at(-1) ?? ""] ?? {}, document);
  if (schema.examples?.length) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.anyOf?.[0]) return sample(schema.anyOf[0], document);
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, each]) => [name, sample(each, document)]),
      );
    case "array":
      return schema.items ? [sample(schema.items, document)] : [];
    case "boolean":
      return true;
    case "integer":
      return schema.minimum ?? 1;
    case "null":
      return null;
    default:
      return SAMPLES[schema.format ?? ""] ?? "…";
  }
}

/** The JSON of a request or an answer as an example; null where there is none. */
export function exampleOf(part: Content | undefined, document: ApiDocument): string | null {
  const schema = part?.content?.["application/json"]?.schema;
  return schema ? JSON.stringify(sample(schema, document), null, 2) : null;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A command line that asks for it. */
export function curlOf(method: string, path: string, operation: Operation, document: ApiDocument): string {
  const url = `${document.servers[0]?.url ?? ""}${path.replace(/\{(\w+)\}/g, (_, name: string) => name.toUpperCase())}`;
  const body = exampleOf(operation.requestBody, document);
  return [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${quoted(url)}`,
    `  -H "Authorization: Bearer $TOKEN"`,
    ...(body === null ? [] : [`  -H 'Content-Type: application/json'`, `  -d ${quoted(body)}`]),
  ].join(" \\\n");
}

/** What a parameter may be, in the document's own words. */
export function kindOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map(String).join(" | ");
  const range =
    schema.minimum !== undefined && schema.maximum !== undefined
      ? ` ${String(schema.minimum)}–${String(schema.maximum)}`
      : "";
  return `${schema.format ?? schema.type ?? ""}${range}`;
}
