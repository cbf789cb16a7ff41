// Drives an org's Metadata API with unmodified jsforce; prints what it saw as one line of JSON.
// Environment: ORG_URL, ORG_TOKEN, VERSION, the packages GOOD and BAD in base64, and NODE_EXTRA_CA_CERTS for https.
import jsforce from "jsforce";

const connection = new jsforce.Connection({
  instanceUrl: process.env.ORG_URL,
  accessToken: process.env.ORG_TOKEN,
  version: process.env.VERSION,
});
const metadata = connection.metadata;
metadata.pollInterval = 50;
metadata.pollTimeout = 60000;
const good = Buffer.from(process.env.GOOD, "base64");
const bad = Buffer.from(process.env.BAD, "base64");
const names = async () => (await metadata.list({ type: "CustomTab" })).map((row) => row.fullName);
const of = (result) => [result.status, result.success, result.checkOnly, result.numberComponentErrors];
const seen = {};

const about = await metadata.describe();
const tab = about.metadataObjects.find((kind) => kind.xmlName === "CustomTab");
seen.described = [tab.directoryName, tab.suffix, tab.inFolder, tab.metaFile, about.partialSaveAllowed];
seen.children = about.metadataObjects.find((kind) => kind.xmlName === "CustomObject").childXmlNames.includes("CustomField");

seen.tried = of(await metadata.deploy(good, { checkOnly: true, singlePackage: true }).complete(true));
seen.left = (await names()).filter((name) => name.startsWith("Js"));
const deployed = await metadata.deploy(good, { rollbackOnError: true, singlePackage: true }).complete(true);
seen.deployed = of(deployed);
seen.parts = deployed.details.componentSuccesses
  .filter((row) => row.componentType)
  .map((row) => [row.componentType, row.fullName, row.created]);
const refused = await metadata.deploy(bad, { rollbackOnError: true, singlePackage: true }).complete(true);
seen.refused = of(refused);
seen.failures = refused.details.componentFailures.map((row) => [row.fullName, row.problemType, row.lineNumber, row.problem]);
seen.rest = of(await metadata.deployRest(good, { singlePackage: true }).complete(true));
seen.listed = (await names()).filter((name) => name.startsWith("Js"));
seen.read = (await metadata.read("CustomTab", "Js_Tab")).label;

const locator = metadata.retrieve({
  apiVersion: process.env.VERSION,
  singlePackage: true,
  unpackaged: { types: [{ members: ["Js_Tab"], name: "CustomTab" }], version: process.env.VERSION },
});
const retrieved = await locator.complete();
seen.retrieved = [retrieved.status, retrieved.success, retrieved.fileProperties.map((row) => row.fileName).sort()];
seen.zip = Buffer.from(retrieved.zipFile, "base64").subarray(0, 2).toString();
try {
  await metadata.deploy(Buffer.from("no archive"), {}).complete();
} catch (error) {
  seen.wrong = error.errorCode ?? error.name;
}
console.log(JSON.stringify(seen));
