// Drives an org's SOAP door with unmodified jsforce; prints what it saw as one line of JSON.
// Environment: ORG_URL, ORG_TOKEN, VERSION.
import jsforce from "jsforce";

const connection = new jsforce.Connection({
  instanceUrl: process.env.ORG_URL,
  accessToken: process.env.ORG_TOKEN,
  version: process.env.VERSION,
});
const { soap } = connection;
const seen = {};

const rows = await soap.create([
  { type: "Contact", LastName: "Soapy", FirstName: "One", DoNotCall: true },
  { type: "Contact", LastName: "Soapy", FirstName: "Two" },
  { type: "Contact", FirstName: "Nobody" },
]);
seen.made = rows.map((row) => row.success);
seen.code = rows[2].errors[0].statusCode;
const [one, two] = rows.map((row) => row.id);
seen.changed = (await soap.update([{ type: "Contact", Id: one, Title: "Chief" }]))[0].success;
seen.upserted = (await soap.upsert("Id", [{ type: "Contact", Id: one, Phone: "1" }]))[0].created;
const merged = await soap.merge({
  masterRecord: { type: "Contact", Id: one },
  recordToMergeIds: [two],
});
seen.merged = merged.success;
const after = await connection.query(`SELECT Title, DoNotCall FROM Contact WHERE Id = '${one}'`);
seen.after = [after.records[0].Title, after.records[0].DoNotCall];
seen.deleted = (await soap.delete([one]))[0].success;
seen.back = (await soap.undelete([one]))[0].success;
await soap.delete([one]);
seen.emptied = (await soap.emptyRecycleBin([one]))[0].success;
seen.gone = (await soap.undelete([one]))[0].errors[0].statusCode;
seen.user = (await soap.getUserInfo()).userName;
seen.time = (await soap.getServerTimestamp()).timestamp.length > 10;
process.stdout.write(JSON.stringify(seen));
