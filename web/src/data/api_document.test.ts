import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { type ApiDocument, curlOf, exampleOf, kindOf } from "./api_document.ts";

const document = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, "../../../contract/openapi.json"), "utf8"),
) as ApiDocument;
const operation = (method: string, at: string) => {
  const found = document.paths[at]?.[method];
  if (!found) throw new Error(`${method} ${at} is not in the document`);
  return found;
};

it("makes a command line of an operation", () => {
  const at = "/api/v1/users/{user_id}/skills";
  expect(curlOf("put", at, operation("put", at), document)).toBe(
    `curl -X PUT 'https://contact.example.com/api/v1/users/USER_ID/skills' \\
  -H "Authorization: Bearer $TOKEN" \\
  -H 'Content-Type: application/json' \\
  -d '{
  "skills": [
    {
      "level": 4,
      "name": "Billing"
    }
  ]
}'`,
  );
});

it("has an example of every answer", () => {
  for (const [at, operations] of Object.entries(document.paths))
    for (const [method, each] of Object.entries(operations)) {
      const [status, done] = Object.entries(each.responses).find(([status]) => status.startsWith("2")) ?? [];
      const example = exampleOf(done, document) ?? "";
      // 204 says nothing more.
      expect(example, `${method} ${at}`).toMatch(status === "204" ? /^$/ : /^\{/);
    }
});

it("tells what a parameter may be", () => {
  const kinds = Object.fromEntries(
    (operation("get", "/api/v1/users").parameters ?? []).map((each) => [each.name, kindOf(each.schema)]),
  );
  expect(kinds).toMatchObject({ limit: "integer 1–200", active: "boolean", search: "string" });
  expect(kinds["role"]).toBe("owner | administrator | supervisor | agent");
});
