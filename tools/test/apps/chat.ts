import { ChatClient, callRest } from "@jichat/client";
import type { ChatOptions } from "@jichat/client";
import { msgpack } from "@jichat/client/msgpack";

/** An app of somebody who installed the packages: two people talk, one in each encoding. Prints what they heard. */
const api = process.env["API"] ?? "";
const MESSAGES = 50;

async function arrive(user: string, encoding: NonNullable<ChatOptions["encoding"]>): Promise<ChatClient> {
  const account = { user, password: "correct horse" };
  await callRest("POST", "/v1/users", { api, body: account });
  const { ws } = await callRest<{ ws: string[] }>("GET", "/v1/config", { api });
  const token = async (): Promise<string> =>
    (await callRest<{ token: string }>("POST", "/v1/sessions", { api, body: account })).token;
  const client = new ChatClient({ urls: ws, device: "laptop", token, encoding });
  await client.connect();
  return client;
}

/** The texts of the other's messages, as they come. */
async function heard(client: ChatClient): Promise<unknown[]> {
  const texts: unknown[] = [];
  for await (const notice of client.events()) {
    if (notice.t !== "event" || notice.event.kind !== "message") continue;
    const { text } = notice.event.body as { readonly text?: unknown };
    texts.push(text);
    if (texts.length === MESSAGES) break;
  }
  return texts;
}

const name = process.env["NAME"] ?? "";
const [ann, bob] = [await arrive(`ann-${name}`, "json"), await arrive(`bob-${name}`, msgpack)];
const hearing = Promise.all([heard(ann), heard(bob)]);
await Promise.all(
  Array.from({ length: MESSAGES }, async (_, i) => {
    await Promise.all([
      ann.send({ to: `bob-${name}` }, { text: `ann ${i}` }),
      bob.send({ to: `ann-${name}` }, { text: `bob ${i}` }),
    ]);
  }),
);
const [byAnn, byBob] = await hearing;
ann.close();
bob.close();
console.log(JSON.stringify({ ann: byAnn, bob: byBob }));
