// Drives bulk jobs of an org with unmodified jsforce; prints what it saw as one line of JSON.
// Environment: ORG_URL, ORG_TOKEN, VERSION, and NODE_EXTRA_CA_CERTS for https.
import jsforce from "jsforce";

const connection = new jsforce.Connection({
  instanceUrl: process.env.ORG_URL,
  accessToken: process.env.ORG_TOKEN,
  version: process.env.VERSION,
});
connection.bulk2.pollInterval = 50;
connection.bulk2.pollTimeout = 60000;
const mark = `Bulk ${process.pid}`;
const seen = {};
const input = Array.from({ length: 1200 }, (_, n) => ({ LastName: mark, FirstName: `Row, "${n}"` }));
input.push({ LastName: "", FirstName: "nobody" });
const loaded = await connection.bulk2.loadAndWaitForResults({ object: "Contact", operation: "insert", input });
seen.good = loaded.successfulResults.length;
seen.created = loaded.successfulResults[0].sf__Created;
seen.bad = loaded.failedResults.map((row) => row.sf__Error.split(":")[0]);
seen.unprocessed = loaded.unprocessedRecords.length;

const job = connection.bulk2.createJob({ object: "Contact", operation: "update" });
await job.open();
await job.uploadData(loaded.successfulResults.slice(0, 2).map((row) => ({ Id: row.sf__Id, Title: "Changed" })));
await job.close();
await job.poll(50, 60000);
seen.updated = (await job.check()).numberRecordsProcessed;

const stream = await connection.bulk2.query(`SELECT Id, FirstName, Title FROM Contact WHERE LastName = '${mark}'`, {
  pollInterval: 50,
});
const rows = await stream.toArray();
seen.queried = rows.length;
seen.quoted = rows.some((row) => row.FirstName === 'Row, "7"');
seen.changed = rows.filter((row) => row.Title === "Changed").length;

const aborted = connection.bulk2.createJob({ object: "Contact", operation: "insert" });
await aborted.open();
await aborted.abort();
seen.aborted = (await aborted.check()).state;
await aborted.delete();
const wrong = await connection.bulk2
  .query("SELECT count() FROM Contact")
  .catch((error) => error.errorCode ?? error.name);
seen.wrong = wrong;
const gone = await connection.bulk2.loadAndWaitForResults({
  object: "Contact",
  operation: "delete",
  input: rows.map((row) => ({ Id: row.Id })),
});
seen.deleted = gone.successfulResults.length;
process.stdout.write(JSON.stringify(seen));
