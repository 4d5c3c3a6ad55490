// What the library standardwebhooks says of requests as they came: one object of secret, headers and
// body for each line of standard input, and for each a line, "genuine" and the event's type, or why not.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    console.log("genuine", new Webhook(secret).verify(body, headers).type);
  } catch (error) {
    console.log(error.message);
  }
}
