// Drives an org with unmodified jsforce; prints what it saw as one line of JSON.
// Environment: ORG_URL, ORG_TOKEN, VERSION, and NODE_EXTRA_CA_CERTS for https.
import jsforce from "jsforce";

const connection = new jsforce.Connection({
  instanceUrl: process.env.ORG_URL,
  accessToken: process.env.ORG_TOKEN,
  version: process.env.VERSION,
});
const mark = `Js ${process.pid}`;
const seen = {};

const made = await connection.sobject("Contact").create({ LastName: mark, FirstName: "One" });
seen.made = made.success;
seen.read = (await connection.sobject("Contact").retrieve(made.id)).Name;
seen.changed = (await connection.sobject("Contact").update({ Id: made.id, Phone: "1" })).success;
const many = Array.from({ length: 450 }, (_, n) => ({ LastName: mark, FirstName: `Row ${n}` }));
const created = await connection.sobject("Contact").create(many, { allowRecursive: true });
seen.many = created.filter((row) => row.success).length;
const query = await connection.query(`SELECT Id, FirstName FROM Contact WHERE LastName = '${mark}'`, {
  headers: { "Sforce-Query-Options": "batchSize=200" },
});
seen.total = query.totalSize;
seen.page = query.records.length;
seen.more = (await connection.queryMore(query.nextRecordsUrl)).records.length > 0;
seen.found = await connection.sobject("Contact").count({ LastName: mark });
const upserted = await connection
  .sobject("Contact")
  .upsert([{ Id: made.id, LastName: mark, Title: "Upserted" }], "Id");
seen.upserted = upserted[0].success;
const updated = await connection
  .sobject("Contact")
  .update(created.slice(0, 3).map((row) => ({ Id: row.id, Title: "Many" })));
seen.updated = updated.every((row) => row.success);
const wrong = await connection.sobject("Contact").create([{ LastName: mark }, { FirstName: "nobody" }]);
seen.rows = wrong.map((row) => row.success);
seen.code = wrong[1].errors[0].statusCode;
seen.search = (await connection.search(`FIND {"${mark}"} RETURNING Contact(Id)`)).searchRecords.length > 0;
const batch = await connection.requestPost(`/services/data/v${process.env.VERSION}/composite`, {
  compositeRequest: [
    {
      method: "GET",
      url: `/services/data/v${process.env.VERSION}/sobjects/Contact/${made.id}`,
      referenceId: "read",
    },
  ],
});
seen.composite = batch.compositeResponse[0].body.Title;
seen.describe = (await connection.sobject("Contact").describe()).keyPrefix;
seen.global = (await connection.describeGlobal()).sobjects.length > 5;
seen.limits = (await connection.limits()).DailyApiRequests.Max > 0;
seen.counted = connection.limitInfo.apiUsage.used > 0;
seen.identity = (await connection.identity()).username;
seen.recent = Array.isArray(await connection.recent());
const now = new Date();
const span = [new Date(now.getTime() - 3600_000), new Date(now.getTime() + 60_000)];
seen.replicated = (await connection.sobject("Contact").updated(...span)).ids.length >= 451;
const gone = await connection.sobject("Contact").destroy(created.slice(0, 200).map((row) => row.id));
seen.destroyed = gone.filter((row) => row.success).length;
await connection.sobject("Contact").destroy(made.id);
try {
  await connection.sobject("Contact").retrieve(made.id);
} catch (error) {
  seen.missing = error.errorCode;
}
try {
  await connection.query("SELECT Nope FROM Contact");
} catch (error) {
  seen.refused = error.errorCode;
}
const all = await connection.query(`SELECT Id FROM Contact WHERE LastName = '${mark}' AND IsDeleted = true`, {
  scanAll: true,
});
seen.deleted = all.totalSize;
console.log(JSON.stringify(seen));
