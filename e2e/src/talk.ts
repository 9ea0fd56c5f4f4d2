import { randomBytes } from "node:crypto";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { callRest } from "@jichat/client/rest.ts";

/**
 * The program of `helm test`, run inside the cluster: two people sign up, one writes to the other, and the
 * other must get it. Arguments: the api's URL and the WebSocket's.
 */
const [api = "", ws = ""] = process.argv.slice(2);
const WITHIN_MS = 60_000;

const ask = async (path: string, body: object): Promise<Record<string, string>> =>
  callRest("POST", path, { api, body, signal: AbortSignal.timeout(10_000) });

async function person(name: string): Promise<ChatClient> {
  const user = `helm-test-${name}-${randomBytes(4).toString("hex")}`;
  const password = randomBytes(18).toString("base64url");
  await ask("/v1/users", { user, password });
  const { token = "" } = await ask("/v1/sessions", { user, password });
  return new ChatClient({ urls: [ws], device: "test", token: async () => token });
}

async function talk(): Promise<void> {
  const [ada, bob] = [await person("ada"), await person("bob")];
  const heard = bob.events();
  const patience = { timeoutMs: WITHIN_MS };
  await Promise.all([ada.connect(patience), bob.connect(patience)]);
  const started = performance.now();
  const { seq, conversation } = await ada.send({ to: bob.user }, { text: "hello" });
  for await (const notice of heard) {
    if (notice.t !== "event" || notice.event.kind !== "message") continue;
    const ms = (performance.now() - started).toFixed(0);
    process.stdout.write(`message ${seq} of ${conversation} was sent, stored and delivered in ${ms} ms\n`);
    break;
  }
  ada.close();
  bob.close();
}

const late = setTimeout(() => {
  process.stderr.write(
    `nobody got the message within ${WITHIN_MS} ms: is the ChatCluster at ${api} Ready?\n`,
  );
  process.exit(1);
}, WITHIN_MS);
try {
  await talk();
  clearTimeout(late);
} catch (error) {
  process.stderr.write(`${api} or ${ws} does not serve: ${String(error)}\n`);
  process.exit(1);
}
