// Hears an org's changes with unmodified jsforce over CometD; prints what it heard as one line of JSON.
// Environment: ORG_URL, ORG_TOKEN, VERSION.
import jsforce from "jsforce";
import { StreamingExtension } from "jsforce/lib/api/streaming.js";

const connection = new jsforce.Connection({
  instanceUrl: process.env.ORG_URL,
  accessToken: process.env.ORG_TOKEN,
  version: process.env.VERSION,
});
const topic = "/data/AccountChangeEvent";
const names = ["a", "b", "c"].map((name) => `${name}${process.pid}`);

const heard = [];
await new Promise((resolve, reject) => {
  const subscription = connection.streaming.subscribe(topic, (message) => {
    heard.push(message);
    if (heard.length === names.length) resolve();
  });
  subscription.then(async () => {
    for (const Name of names) await connection.sobject("Account").create({ Name });
  }, reject);
});

const again = [];
const replay = new StreamingExtension.Replay(topic, heard[0].event.replayId);
const failure = new StreamingExtension.AuthFailure(() => process.exit(3));
const client = connection.streaming.createClient([failure, replay]);
await new Promise((resolve) => {
  client.subscribe(topic, (message) => {
    again.push(message);
    if (again.length === 2) resolve();
  });
});
process.stdout.write(
  JSON.stringify({
    names: heard.map((message) => message.payload.Name),
    types: heard.map((message) => message.payload.ChangeEventHeader.changeType),
    origin: heard[0].payload.ChangeEventHeader.changeOrigin,
    again: again.map((message) => message.payload.Name),
    expected: names,
  }),
  () => process.exit(0),
);
