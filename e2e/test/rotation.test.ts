import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import type { Keys } from "@jichat/operator/desired/keys.ts";
import { clusterKeysOf, keysOf, tokenKeysOf } from "@jichat/operator/desired/keys.ts";
import { advanced, keysFor } from "@jichat/operator/desired/rotation.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { play, startStack } from "../src/scene.ts";

const LIVES = { tokenMs: 86_400_000, ticketMs: 3_600_000 };
/** Files are looked at every five seconds. */
const TAKEN_WITHIN_MS = 15_000;
const DONE = { isTaken: true, isInPods: true };
const PASSWORD = "correct horse";

/** Files of a stack, in the place of a Secret's volumes. */
class Files {
  readonly #stack: Stack;
  #changes = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** The keys that the stack was started with, as if the operator had made them. */
  first(): Keys {
    const { signingKeyFile, clusterKeyFile } = this.#stack.secrets;
    const signingKey = JSON.parse(readFileSync(signingKeyFile, "utf8")) as Record<string, string>;
    const clusterKey = readFileSync(clusterKeyFile, "utf8");
    return keysOf({ rotation: "", generation: 1, clusterKey, signingKey, passwords: {} }, LIVES);
  }

  /** Resolves once every connector and the api have taken them over. */
  async put(keys: Keys): Promise<void> {
    const { signingKeyFile, clusterKeyFile, keysFile } = this.#stack.secrets;
    this.#replace(keysFile, JSON.stringify({ keys: tokenKeysOf(keys) }));
    this.#replace(clusterKeyFile, clusterKeysOf(keys).join("\n"));
    this.#replace(signingKeyFile, JSON.stringify(keys.signingKey));
    this.#changes += 1;
    for (const part of [...this.#stack.connectors, this.#stack.api])
      await until(
        `${part.spec.name} takes over change ${this.#changes}`,
        TAKEN_WITHIN_MS,
        async () => (await metricOf(part, "jichat_files_taken", 'what="token keys"')) >= this.#changes,
      );
  }

  #replace(file: string, text: string): void {
    writeFileSync(`${file}.next`, text, { mode: 0o600 });
    renameSync(`${file}.next`, file);
  }
}

interface Proof {
  readonly user: string;
  /** What the api signed at a sign-up, and what another signs for a socket. */
  readonly apiToken: string;
  readonly token: string;
  readonly ticket: string;
  readonly live: Raw;
}

/** What is signed while these keys sign. */
async function proofOf(stack: Stack, keys: Keys): Promise<Proof> {
  const user = `g${keys.generation}`;
  const post = async (path: string): Promise<{ readonly token?: string }> => {
    const answer = await fetch(stack.apiUrl + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user, password: PASSWORD }),
    });
    assert.equal(answer.status, 201, path);
    return (await answer.json()) as { readonly token?: string };
  };
  await post("/v1/users");
  const { token: apiToken = "" } = await post("/v1/sessions");
  const [head = ""] = apiToken.split(".");
  const { kid } = JSON.parse(Buffer.from(head, "base64url").toString("utf8")) as { readonly kid: string };
  assert.equal(kid, keys.signingKey["kid"], "the api signs with the newest key");
  const token = mint(stack.secrets.signingKeyFile, { sub: user });
  const live = new Raw(stack.wsUrls[0] ?? "");
  const welcome = await live.hello(token, "live");
  return { user, apiToken, token, ticket: String(welcome["ticket"]), live };
}

async function greet(url: string, hello: object): Promise<Frame> {
  const raw = new Raw(url);
  await raw.say({ t: "hello", ...hello });
  const frame = await raw.hear(({ t }) => t === "welcome" || t === "error");
  raw.close();
  return frame;
}

/** What of it is still taken: by the api, as a token, as a ticket. */
async function taken(stack: Stack, { apiToken, token, ticket, user }: Proof): Promise<readonly unknown[]> {
  const headers = { authorization: `Bearer ${apiToken}` };
  const { status } = await fetch(`${stack.apiUrl}/v1/me`, { headers });
  const [first = "", second = ""] = stack.wsUrls;
  const asToken = await greet(second, { token, device: `t-${user}` });
  const asTicket = await greet(first, { ticket, device: "live" });
  return [status, asToken.t, asTicket.t];
}

test(
  "three rotations during talk accept tokens and tickets of each earlier key, close no socket and restart no process",
  { timeout: 170_000 },
  async (t) => {
    const stack = await startStack(t, { routers: 1, connectors: 2 });
    const files = new Files(stack);
    const proofs: Proof[] = [];
    let keys = files.first();
    t.after(() => {
      for (const { live } of proofs) live.close();
    });
    const pids = stack.parts.map(({ pid }) => pid);
    await play(t, {
      fault: async () => {
        proofs.push(await proofOf(stack, keys));
        for (const rotation of ["a", "b", "c"]) {
          const offered = keysFor(keys, rotation, { lives: LIVES, now: Date.now() });
          await files.put(offered);
          keys = offered;
          while (keys.coming !== undefined) keys = advanced(keys, DONE, LIVES, Date.now());
          await files.put(keys);
          proofs.push(await proofOf(stack, keys));
        }
      },
      stack,
      options: { pairs: 5, groups: 1, groupSize: 5, rate: 1 },
    });
    assert.deepEqual(
      stack.parts.filter(({ spec }) => spec.name !== "storage").map(({ pid }) => pid),
      pids.filter((_, at) => stack.parts[at]?.spec.name !== "storage"),
    );
    const closed = await Promise.race([
      Promise.any(proofs.map(({ live }) => live.closed)),
      new Promise((resolve) => setTimeout(resolve, 100, "none")),
    ]);
    assert.equal(closed, "none");
    // A device of the same name takes the place of the live one: so the sockets are looked at first.
    for (const proof of proofs) assert.deepEqual(await taken(stack, proof), [200, "welcome", "welcome"]);

    await files.put({ ...keys, earlierTokenKeys: [], earlierClusterKeys: [] });
    const gone = await Promise.all(proofs.map(async (proof) => taken(stack, proof)));
    const refused = [401, "error", "error"];
    assert.deepEqual(gone, [refused, refused, refused, [200, "welcome", "welcome"]]);
  },
);
