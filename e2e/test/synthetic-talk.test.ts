import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { generate } from "selfsigned";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { groupConversation, partitionOf } from "@jichat/protocol/ids.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { SYNTHETIC_PERSON } from "@jichat/protocol/synthetic.ts";
import { faultsOf } from "@jichat/operator/ask-pods.ts";
import type { Told } from "@jichat/operator/talk/talk.ts";
import { TALK_MS, talk } from "@jichat/operator/talk/talk.ts";
import type { Trust, Way } from "@jichat/operator/talk/way.ts";
import { wayOf } from "@jichat/operator/talk/way.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import { fronted } from "../src/fronted.ts";
import { inputOf } from "@jichat/operator/test/input.ts";
import { ghost } from "../src/ghost.ts";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { startStack } from "../src/scene.ts";

const NAMES = namesOf("jichat");
const PARTITIONS = 8;
const MEND_MS = 40_000;

const wayTo = (stack: Stack, more: Partial<Way> = {}): Way => ({
  url: stack.wsUrls[0] ?? "",
  trust: [],
  credentials: [
    {
      signingKey: readFileSync(stack.secrets.signingKeyFile, "utf8"),
      algorithm: "EdDSA",
      issuer: "jichat",
      audience: "jichat",
    },
  ],
  partitions: PARTITIONS,
  ...more,
});

const once = async (way: Way, from = 0): Promise<Told> =>
  talk(way, from, systemClock, new AbortController().signal);

const start = async (t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<Stack> =>
  startStack(t, {
    routers: 1,
    connectors: 1,
    env: { "*": { PARTITIONS: String(PARTITIONS), ...env } },
  });

const well = ({ outcome, why }: Told): string => `${outcome} ${why}`.trim();

test(
  "the operator talks within a second on a healthy cluster, always in one conversation, even with `peopleMustExist`",
  { timeout: 120_000 },
  async (t) => {
    const stack = await start(t, { PEOPLE_MUST_EXIST: "yes" });
    // From the first sign-up on, names of nobody are refused.
    const signedUp = await fetch(`${stack.apiUrl}/v1/users`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: "ann", password: "correct horse" }),
    });
    assert.equal(signedUp.status, 201);
    const way = wayTo(stack);
    for (let round = 0; round < 3; round += 1) assert.equal(well(await once(way)), "ok");
    const clusterKey = readFileSync(stack.secrets.clusterKeyFile, "utf8").trim();
    const ticket = await once({ ...way, credentials: [{ clusterKey }] });
    assert.equal(well(ticket), "ok", "with a ticket that was made for it");
    assert.ok(ticket.ms < 2_000, `${ticket.ms} ms`);

    const socket = new Raw(stack.wsUrls[0] ?? "");
    t.after(() => {
      socket.close();
    });
    await socket.hello(mint(stack.secrets.signingKeyFile, { sub: SYNTHETIC_PERSON }), "look");
    const conversation = groupConversation(SYNTHETIC_PERSON, "talk");
    const pulled = await socket.ask({ t: "pull", id: "p", conversation });
    assert.equal(pulled["head"], 1 + 4 * 2, "two messages a talk, and nothing for looking at partitions");
    const { conversations } = await socket.ask({ t: "sync", id: "s" });
    assert.deepEqual(
      (conversations as readonly Frame[]).map((listed) => listed["conversation"]),
      [conversation],
    );
    const other = new Raw(stack.wsUrls[0] ?? "");
    t.after(() => {
      other.close();
    });
    await other.hello(mint(stack.secrets.signingKeyFile, { sub: "ann" }), "look");
    for (const frame of [
      { t: "pull", id: "p", conversation },
      { t: "send", id: "t", to: SYNTHETIC_PERSON, body: {} },
    ])
      assert.equal((await other.ask(frame))["code"], "NOT_FOUND", frame.t);
  },
);

/** What is done to the cluster, how it is mended, and what the talk says of it meanwhile. */
interface Case {
  readonly what: string;
  readonly harm: (stack: Stack) => Promise<() => Promise<void> | void>;
  readonly says: RegExp;
}

const stopped = (part: Part | undefined): (() => void) => {
  part?.signal("SIGSTOP");
  return () => {
    part?.signal("SIGCONT");
  };
};

const killed = async (part: Part | undefined): Promise<() => Promise<void>> => {
  await part?.kill();
  return async () => {
    part?.start();
    await part?.ready(MEND_MS);
  };
};

const SENT_TO = partitionOf(groupConversation(SYNTHETIC_PERSON, "talk"), PARTITIONS);
const OTHER = (SENT_TO + 1) % PARTITIONS;

const CASES: readonly Case[] = [
  {
    what: "a connector that refuses",
    harm: async ({ connectors }) => killed(connectors[0]),
    says: /^connect connect ECONNREFUSED/,
  },
  {
    what: "a connector that stands still",
    harm: async ({ connectors }) => stopped(connectors[0]),
    says: /^connect nothing was received within 10 s/,
  },
  {
    what: "no log",
    harm: async ({ nats }) => killed(nats),
    says: /^(hello|send) (UNAVAILABLE|nothing)/,
  },
  {
    what: "a log that stands still",
    harm: async ({ nats }) => stopped(nats),
    says: /^(hello|send) (UNAVAILABLE|nothing)/,
  },
  {
    what: "no Redis",
    harm: async ({ redis }) => killed(redis),
    says: /^receive nothing was received/,
  },
  {
    what: "a router that stands still",
    harm: async ({ routers }) => stopped(routers[0]),
    says: /^send UNAVAILABLE/,
  },
  {
    what: "storage that stands still",
    harm: async ({ storage }) => stopped(storage),
    says: /^(resume|history) .*UNAVAILABLE/,
  },
  {
    what: "the partition that it writes to, which nobody serves",
    harm: async (stack) => ghost({ servers: stack.natsUrl }, NAMES, [SENT_TO]),
    says: /^send UNAVAILABLE/,
  },
  {
    what: "another partition, which nobody serves",
    harm: async (stack) => ghost({ servers: stack.natsUrl }, NAMES, [OTHER]),
    says: new RegExp(`^history partition ${OTHER}: UNAVAILABLE`),
  },
];

test(
  "each fault is reported within 10 s by the step that fails, and no fault after the repair",
  { timeout: 590_000 },
  async (t) => {
    const stack = await start(t);
    const way = wayTo(stack);
    assert.equal(well(await once(way)), "ok");
    for (const { what, harm, says } of CASES)
      await t.test(what, async (t) => {
        const mend = await harm(stack);
        try {
          // The first may meet what is still held: a lease, a cache.
          const told = await until(`a talk fails`, 60_000, async () => {
            const one = await once(way);
            return one.outcome === "ok" ? undefined : one;
          });
          assert.match(well(told), says);
          assert.ok(told.ms < TALK_MS + 1_500, `${told.ms} ms`);
        } finally {
          await mend();
        }
        const started = performance.now();
        await until("people can talk again", MEND_MS, async () =>
          (await once(way)).outcome === "ok" ? true : undefined,
        );
        t.diagnostic(`talks ${((performance.now() - started) / 1_000).toFixed(1)} s after it was mended`);
      });
  },
);

test(
  "an unknown key fails at the hello, and earlier keys are accepted during a rotation",
  { timeout: 120_000 },
  async (t) => {
    const stack = await start(t);
    const way = wayTo(stack);
    const foreign = { clusterKey: "of another cluster, and long enough to be one" };
    const refused = await once({ ...way, credentials: [foreign] });
    assert.match(well(refused), /^hello UNAUTHENTICATED: the ticket is not valid/);
    assert.equal(well(await once({ ...way, credentials: [foreign, ...way.credentials] })), "ok");
  },
);

test("a server that is not a connector is reported, and does no harm", { timeout: 60_000 }, async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  t.after(() => server.close());
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/ws`;
  const credentials = [{ clusterKey: "k".repeat(32) }];
  assert.match(well(await once({ url, trust: [], credentials, partitions: 1 })), /^connect closed with 1006/);
});

test(
  "people talk while ClickHouse refuses inserts, and storage reports that once it has lasted",
  { timeout: 180_000 },
  async (t) => {
    const { options, refuse } = await fronted(t);
    const stack = await startStack(t, {
      routers: 1,
      connectors: 1,
      ...options,
      env: { "*": { PARTITIONS: String(PARTITIONS) } },
    });
    const way = wayTo(stack);
    const { adminPort } = stack.storage.spec;
    const faults = async (): Promise<readonly Fault[]> => (await faultsOf("127.0.0.1", adminPort)) ?? [];
    await refuse(60_000);
    assert.equal(well(await once(way)), "ok");
    assert.deepEqual(await faults(), []);
    const [fault] = await until("it is told", 45_000, async () => {
      const told = await faults();
      return told.length > 0 ? told : undefined;
    });
    assert.equal(fault?.fault, "HistoryStuck");
    assert.equal(fault?.partitions.length, PARTITIONS);
    assert.match(fault?.why ?? "", /^ClickHouse refuses inserts: .*not enough space/);
    assert.ok((await metricOf(stack.storage, "jichat_storage_unwritten_seconds")) >= 30);
    assert.equal(well(await once(way)), "ok", "what is not written yet is read from memory");
    await refuse(0);
    await until("it is over", 60_000, async () => ((await faults()).length === 0 ? true : undefined));
    assert.equal(await metricOf(stack.storage, "jichat_storage_unwritten_seconds"), 0);
  },
);

test("a certificate must be for the host of devices, or else for the first name that it has", async (t) => {
  const named = async (dns: string, host?: string): Promise<string | undefined> => {
    const { certFile, keyFile } = await certificate(t, dns);
    const tls = { "tls.crt": readFileSync(certFile, "utf8"), "tls.key": readFileSync(keyFile, "utf8") };
    const spec = { connectors: { tls: { secret: "s", ...(host === undefined ? {} : { host }) } } };
    return wayOf(inputOf(spec, { tls })).trust[0]?.name;
  };
  assert.equal(await named("chat.example"), "chat.example");
  assert.equal(await named("*.chat.example"), "any.chat.example");
  assert.equal(await named("chat.example", "other.example"), "other.example");
});

async function certificate(
  t: TestContext,
  dns: string,
): Promise<Trust & { certFile: string; keyFile: string }> {
  const folder = mkdtempSync(join(tmpdir(), "jichat-talk-tls-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const { cert, private: key } = await generate([{ name: "commonName", value: dns }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: dns }] }],
  });
  const files = { certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  return { ...files, pem: cert, name: dns };
}

test(
  "only the Secret's certificate is trusted, for its own name, over TLS and IPv6",
  { timeout: 120_000 },
  async (t) => {
    const mine = await certificate(t, "chat.example");
    const other = await certificate(t, "chat.example");
    const connector = { TLS_CERT_FILE: mine.certFile, TLS_KEY_FILE: mine.keyFile, HOST: "::1" };
    const stack = await startStack(t, {
      routers: 1,
      connectors: 1,
      env: { "*": { PARTITIONS: String(PARTITIONS) }, connector },
    });
    const url = (stack.wsUrls[0] ?? "").replace("ws://127.0.0.1", "wss://[::1]");
    const way = wayTo(stack, { url, trust: [mine] });
    assert.equal(well(await once(way)), "ok");
    assert.equal(well(await once({ ...way, trust: [other, mine] })), "ok", "one that was renewed");
    assert.match(well(await once({ ...way, trust: [other] })), /^connect .*certificate/);
    const misnamed = await once({ ...way, trust: [{ ...mine, name: "other.example" }] });
    assert.match(well(misnamed), /^connect .*other\.example/);
  },
);
