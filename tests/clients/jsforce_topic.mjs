// Hears a PushTopic with unmodified jsforce; prints what it heard as one line of JSON.
// Environment: ORG_URL, ORG_TOKEN, VERSION.
import jsforce from "jsforce";

const connection = new jsforce.Connection({
  instanceUrl: process.env.ORG_URL,
  accessToken: process.env.ORG_TOKEN,
  version: process.env.VERSION,
});
const Name = `Topic${process.pid}`;
await connection.sobject("PushTopic").create({
  Name,
  Query: `SELECT Id, Name, Phone FROM Account WHERE Name LIKE '${Name}%'`,
  ApiVersion: 64.0,
});

const heard = [];
let id = "";
await new Promise((resolve, reject) => {
  const subscription = connection.streaming.topic(Name).subscribe((message) => {
    heard.push(message);
    if (heard.length === 3) resolve();
  });
  subscription.then(async () => {
    const accounts = connection.sobject("Account");
    await accounts.create({ Name: "Another" });
    ({ id } = await accounts.create({ Name: `${Name} A` }));
    await accounts.update({ Id: id, Phone: "03-1234-5678" });
    await accounts.destroy(id);
  }, reject);
});
process.stdout.write(
  JSON.stringify({
    types: heard.map((message) => message.event.type),
    ids: heard.every((message) => message.sobject.Id === id),
    names: heard.map((message) => message.sobject.Name === `${Name} A`),
    phones: heard.map((message) => message.sobject.Phone ?? null),
  }),
  () => process.exit(0),
);
