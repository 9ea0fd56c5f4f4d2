import assert from "node:assert/strict";
import { after, before } from "node:test";
import { connect as connectTls, getCACertificates, setDefaultCACertificates } from "node:tls";
import { connect } from "@nats-io/transport-node";
import { inboxOf } from "@jichat/protocol/bus/names.ts";
import type { Keys } from "@jichat/operator/desired/keys.ts";
import { credentialOf, decodeKeys } from "@jichat/operator/desired/keys.ts";
import { until } from "@jichat/testkit/until.ts";
import type { Pair } from "../src/certificate.ts";
import { makeCertificate } from "../src/certificate.ts";
import { Chat, laptop } from "../src/cluster/chat.ts";
import { forwarded } from "../src/cluster/drift.ts";
import { apply, helm } from "../src/cluster/kubectl.ts";
import { underLoad } from "../src/cluster/load.ts";
import { NAMESPACE } from "../src/cluster/namespaces.ts";
import { RELEASE, install } from "../src/cluster/release.ts";
import { scenario } from "../src/cluster/scenario.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";

const chat = new Chat(NAMESPACE, "chat");
const TALKERS = { pairs: 10, groups: 2, groupSize: 10, rate: 1 };
const SERVERS = ["nats", "redis", "clickhouse"] as const;
const ROTATIONS = 3;
/** Three within two minutes. */
const APART_MS = 35_000;
const CERTIFICATE = "chat-tls";
/** Between two looks at the certificate that is shown. */
const LOOK_MS = 1_000;

before(async () => {
  await install();
  await chat.apply(laptop());
  await chat.settled(180_000);
});

after(async () => {
  await chat.loseData();
  await chat.ask(["delete", "chat", chat.name, "--timeout=180s"]);
  await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found"]);
});

async function keys(): Promise<Keys> {
  const text = Buffer.from(await chat.secret("keys", "keys")).toString("base64");
  return decodeKeys(text, { tokenMs: 0, ticketMs: 0 }, 0) ?? assert.fail("there are no keys");
}

interface Proof {
  readonly user: string;
  readonly token: string;
  readonly ticket: string;
}

/** What is signed with the keys of now, and a ticket for it. */
async function proofOf(user: string): Promise<Proof> {
  const venue = await chat.venue();
  try {
    const token = mint(venue.secrets.signingKeyFile, { sub: user });
    const raw = new Raw(venue.wsUrls[0] ?? "");
    const welcome = await raw.hello(token, "phone");
    assert.equal(welcome.t, "welcome", JSON.stringify(welcome));
    raw.close();
    return { user, token, ticket: String(welcome["ticket"]) };
  } finally {
    venue.leave();
  }
}

async function urlOf(): Promise<string> {
  const venue = await chat.venue();
  venue.leave();
  return venue.wsUrls[0] ?? "";
}

async function holds({ token, ticket }: Proof): Promise<boolean> {
  const url = await urlOf();
  const said: string[] = [];
  for (const hello of [{ token }, { ticket }]) {
    const raw = new Raw(url);
    await raw.say({ t: "hello", device: "phone", ...hello });
    said.push((await raw.hear(({ t }) => t === "welcome" || t === "error")).t);
    raw.close();
  }
  return said.every((t) => t === "welcome");
}

/** Which pods managed servers are, and how often each was started. */
async function serversNow(): Promise<readonly unknown[]> {
  const all = await Promise.all(SERVERS.map(async (name) => chat.pods(name)));
  return all
    .flat()
    .map(({ metadata, status }) => [metadata.uid, status.containerStatuses?.map((one) => one.restartCount)]);
}

/** Whether NATS lets a router of these keys in. */
async function natsTakes(of: Keys): Promise<boolean> {
  const { user, password: pass } = credentialOf(of, "nats", "router");
  return forwarded(chat, `${chat.name}-nats`, 4222, async (port) => {
    try {
      const nats = await connect({
        servers: `127.0.0.1:${port}`,
        user,
        pass,
        inboxPrefix: inboxOf(user),
        reconnect: false,
      });
      await nats.close();
      return true;
    } catch (error) {
      if (/authorization/i.test(String(error))) return false;
      throw error;
    }
  });
}

scenario(
  "11a: three rotations in two minutes during talk sign nobody out, delay no send by 2 s and restart no server",
  async (t) => {
    const first = await keys();
    const servers = await serversNow();
    const proofs = [await proofOf("first")];
    const { slowestMs } = await underLoad(
      t,
      chat,
      async () => {
        const began = performance.now();
        let last = "";
        for (let at = 1; at <= ROTATIONS; at += 1) {
          if (at > 1) await new Promise((resolve) => setTimeout(resolve, APART_MS));
          last = `${at}-${Date.now()}`;
          await chat.annotate({ "chat.jichat.io/rotate": last });
          proofs.push(await proofOf(`asked-${at}`));
        }
        assert.ok(performance.now() - began < 120_000);
        let { generation } = first;
        await until("the last one that was asked for is in use", 240_000, async () => {
          const now = await keys();
          if (now.generation !== generation) proofs.push(await proofOf(`generation-${now.generation}`));
          ({ generation } = now);
          return now.rotation === last && now.coming === undefined;
        });
        await chat.until("Rotated", "True", 120_000);
        await chat.settled(120_000);
        t.diagnostic(
          `in use ${((performance.now() - began) / 1_000).toFixed(0)} s after the first was asked for`,
        );
      },
      TALKERS,
    );
    const now = await keys();
    assert.ok(now.generation >= first.generation + 2, `generation ${now.generation}`);
    for (const proof of proofs) assert.ok(await holds(proof), `${proof.user} is signed out`);
    assert.deepEqual(await serversNow(), servers);
    assert.deepEqual([await natsTakes(first), await natsTakes(now)], [false, true]);
    t.diagnostic(`the slowest send took ${slowestMs.toFixed(0)} ms`);
    assert.ok(slowestMs < 2_000, `a send waited ${slowestMs.toFixed(0)} ms`);
  },
);

async function putCertificate({ cert, key }: Pair): Promise<void> {
  await apply({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: CERTIFICATE, namespace: NAMESPACE },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": cert, "tls.key": key },
  });
}

/** What a new connection is shown. */
async function shown(url: URL, ca: readonly string[]): Promise<string> {
  const socket = connectTls({ host: url.hostname, port: Number(url.port), ca: [...ca] });
  try {
    return await new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        resolve(socket.getPeerCertificate().fingerprint256);
      });
    });
  } finally {
    socket.destroy();
  }
}

scenario("11b: the same pods serve a renewed certificate, and no socket is closed", async (t) => {
  const ip = await chat.address();
  const [first, second] = await Promise.all([makeCertificate({ ip }), makeCertificate({ ip })]);
  const ca = [first.cert, second.cert];
  const trusted = getCACertificates();
  setDefaultCACertificates([...trusted, ...ca]);
  try {
    await putCertificate(first);
    await chat.patch({ connectors: { tls: { secret: CERTIFICATE } } });
    await chat.settled(120_000);
    const url = new URL(await urlOf());
    const before = await chat.uids(["connector"]);
    const { interruptions } = await underLoad(
      t,
      chat,
      async () => {
        assert.equal(await shown(url, ca), first.fingerprint);
        const began = performance.now();
        await putCertificate(second);
        const isRenewed = async (): Promise<boolean> => (await shown(url, ca)) === second.fingerprint;
        await until("the renewed one is shown", 150_000, isRenewed, LOOK_MS);
        t.diagnostic(`shown ${((performance.now() - began) / 1_000).toFixed(0)} s after the Secret changed`);
      },
      TALKERS,
    );
    assert.equal(interruptions, 0, "no device lost its connection");
    assert.deepEqual(await chat.uids(["connector"]), before, "the same pods");
  } finally {
    setDefaultCACertificates(trusted);
  }
});
