// Says of each line on standard input, a JSON list [kind, text], whether apex-parser takes it for SOQL or SOSL:
// one JSON list of its complaints a line.
import { createInterface } from "node:readline";
import { ApexErrorListener, ApexParserFactory } from "@apexdevtools/apex-parser";

class Complaints extends ApexErrorListener {
  found = [];
  apexSyntaxError(line, column, message) {
    this.found.push(`${line}:${column} ${message}`);
  }
}

for await (const asked of createInterface({ input: process.stdin })) {
  const [kind, text] = JSON.parse(asked);
  const complaints = new Complaints();
  try {
    // The rules do not reach to the end of the text, so the end is made part of the statement: `[...]` in Apex.
    const { parser } = ApexParserFactory.createLexerAndParser(`[${text}]`, complaints);
    if (kind === "soql") parser.soqlLiteral();
    else parser.soslLiteralAlt();
  } catch (error) {
    complaints.found.push(String(error));
  }
  console.log(JSON.stringify(complaints.found));
}
