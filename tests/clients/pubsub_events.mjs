// Hears changes of an org with the unmodified Pub/Sub client; prints what it saw as one line of JSON.
// Environment: ORG_URL (https), ORG_TOKEN, ORG_ID, PUBSUB (host:port), NODE_EXTRA_CA_CERTS.
import jsforce from "jsforce";
import PubSubApiClient from "salesforce-pubsub-api-client";

const quiet = { debug() {}, info() {}, warn() {}, error: console.error };
async function connected() {
  const about = {
    authType: "user-supplied",
    accessToken: process.env.ORG_TOKEN,
    instanceUrl: process.env.ORG_URL,
    organizationId: process.env.ORG_ID,
    pubSubEndpoint: process.env.PUBSUB,
    rejectUnauthorizedSsl: false, // it brings its own list of authorities and takes no other
  };
  const client = new PubSubApiClient(about, quiet);
  await client.connect();
  return client;
}

const org = new jsforce.Connection({
  instanceUrl: process.env.ORG_URL,
  accessToken: process.env.ORG_TOKEN,
  version: "64.0",
});
const seen = {};

// One client for each subscription: a client that knows a topic goes on where it is, whatever it is asked.
async function hear(wanted, begin) {
  const client = await connected();
  const events = [];
  return new Promise((resolve, reject) => {
    begin(client, (subscription, type, data) => {
      if (type === "event") events.push(data);
      if (type === "error") reject(data);
      if (events.length === wanted) resolve(events);
    });
  });
}

const accounts = "/data/AccountChangeEvent";
const name = `Heard ${process.pid}`;
const { id } = await org.sobject("Account").create({ Name: name, BillingCity: "Rome", Phone: "1" });
await org.sobject("Account").update({ Id: id, BillingCity: "Bonn", Phone: null });
const all = await hear(Number(process.env.EXPECTED), (client, callback) =>
  client.subscribeFromEarliestEvent(accounts, callback),
);
const mine = all.filter((event) => event.payload.ChangeEventHeader.recordIds.includes(id));
seen.types = mine.map((event) => event.payload.ChangeEventHeader.changeType);
seen.name = mine[0].payload.Name === name;
seen.changed = mine[1].payload.ChangeEventHeader.changedFields.sort();
seen.nulled = mine[1].payload.ChangeEventHeader.nulledFields;
seen.city = mine[1].payload.BillingAddress;

const later = await hear(1, (client, callback) =>
  client.subscribeFromReplayId(accounts, callback, null, mine[0].replayId),
);
seen.later = later[0].replayId === mine[1].replayId;
seen.refused = await hear(1, (client, callback) =>
  client.subscribeFromReplayId(accounts, callback, null, 99999999),
).catch((error) => error.code ?? String(error));
process.stdout.write(JSON.stringify(seen), () => process.exit(0));
