import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import type { Load } from "./load.ts";
import { pause, watchLoad } from "./load.ts";
import { together } from "./together.ts";

export interface PostsArgs {
  readonly url: string;
  /** What signs, as Standard Webhooks writes it. By default a random key. */
  readonly secret?: string;
  /** The number of posts in flight. */
  readonly width: number;
  readonly ms: number;
}

/** As those of a push worker. */
const CONNECTIONS_MAX = 256;
const WARM_MS = 1_000;
const DATA = {
  v: 1,
  user: "b1234",
  device: "bench",
  token: "token-of-b1234",
  conversation: "d_0123456789abcdef0123456789",
  badge: 12,
  tag: "0123456789abcdef0123456789abcdef",
  title: "b4321",
  text: "A message of forty characters, more or l",
  count: 1,
  sound: true,
  urgent: true,
  ttl: 86_400,
};

/**
 * What undici alone reaches: posts of a webhook's size, each with an id of its own and signed as Standard
 * Webhooks has it, and nothing else. Closed loop. Returns answers per second after a warm-up.
 */
export async function posts({
  url,
  secret,
  width,
  ms,
}: PostsArgs): Promise<Load & { timed: number; ms: number }> {
  const { Agent } = await import("undici");
  const { origin, pathname: path } = new URL(url);
  const agent = new Agent({ connections: CONNECTIONS_MAX });
  const bytes = secret === undefined ? randomBytes(32) : Buffer.from(secret.replace("whsec_", ""), "base64");
  const key = createSecretKey(bytes);
  const front = randomBytes(12).toString("hex");
  const state = { seq: 0, answered: 0, isOn: true };
  const one = async (): Promise<void> => {
    state.seq += 1;
    const { seq } = state;
    const id = `${front}-${seq}`;
    const at = Date.now();
    const data = { ...DATA, seq };
    const body = JSON.stringify({ type: "push.notification", timestamp: new Date(at).toISOString(), data });
    const timestamp = String(Math.floor(at / 1_000));
    const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
    const headers = {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${signature}`,
    };
    const answer = await agent.request({ origin, path, method: "POST", headers, body });
    await answer.body.text();
    state.answered += 1;
  };
  const loop = async (): Promise<void> => {
    while (state.isOn) await one();
  };
  await together();
  const loops = Array.from({ length: width }, loop);
  await pause(WARM_MS);
  const load = watchLoad({});
  state.answered = 0;
  const started = performance.now();
  await pause(ms);
  const result = { timed: state.answered, ms: performance.now() - started, ...load() };
  state.isOn = false;
  await Promise.all(loops);
  await agent.close();
  return result;
}
