import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before } from "node:test";
import { ChatClient } from "@jichat/client/chat-client.ts";
import { until } from "@jichat/testkit/until.ts";
import { Chat, laptop } from "../src/cluster/chat.ts";
import { forwarded } from "../src/cluster/drift.ts";
import { helm, kubectlChat } from "../src/cluster/kubectl.ts";
import { underLoad } from "../src/cluster/load.ts";
import { NAMESPACE } from "../src/cluster/namespaces.ts";
import { killPod } from "../src/cluster/node.ts";
import { RELEASE, install } from "../src/cluster/release.ts";
import { scenario } from "../src/cluster/scenario.ts";
import type { Told } from "../src/cluster/webhook.ts";
import { giveSecrets, raiseWebhook, takeWebhook, toldBy } from "../src/cluster/webhook.ts";
import { mint } from "../src/mint.ts";
import type { Message } from "../src/push/judgement.ts";
import { coverageOf } from "../src/push/judgement.ts";

/** Push that comes, is rolled under load, gets other credentials, and goes. */
const chat = new Chat(NAMESPACE, "pushed");
const TALKERS = { pairs: 10, groups: 2, groupSize: 10, rate: 1 };
const OTHERS = ["connector", "router", "storage", "api", "nats", "redis", "clickhouse"] as const;
const [OLD, NEW] = [0, 1].map(() => `whsec_${randomBytes(32).toString("base64")}`) as [string, string];
const EVERY_MS = 500;

before(async () => {
  await install();
  await chat.apply(laptop());
  await chat.settled(180_000);
});

after(async () => {
  await takeWebhook(NAMESPACE);
  await chat.loseData();
  await chat.ask(["delete", "chat", chat.name, "--timeout=180s"]);
  await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found"]);
});

/** Registers a device of somebody who never connects. */
async function register(user: string, token: string): Promise<void> {
  await forwarded(chat, `${chat.name}-api`, 80, async (port) => {
    const ask = async (method: string, path: string, body?: object): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const wish = { kind: "webhook", token: `of-${user}`, locale: "en", preview: "text" };
    let last = "";
    await until("a device can be registered", 60_000, async () => {
      const answer = await ask("PUT", "/v1/me/devices/phone/push", wish);
      last = `${answer.status} ${await answer.text()}`;
      return answer.ok ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; last: ${last}`, { cause: error });
    });
  });
}

/** Writes to somebody who is away until `isOver`. Resolves with what was acked, by number. */
async function writeTo(user: string, isOver: () => boolean): Promise<readonly Message[]> {
  const venue = await chat.venue();
  const token = mint(venue.secrets.signingKeyFile, { sub: "ann" });
  const ann = new ChatClient({ urls: [...venue.wsUrls], device: "laptop", token: async () => token });
  try {
    await ann.connect({ timeoutMs: 30_000 });
    const sent: Message[] = [];
    while (!isOver()) {
      const { conversation, seq, ts } = await ann.send({ to: user }, { text: "hello" });
      sent.push({ conversation, seq, to: [user], at: ts });
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    return sent;
  } finally {
    ann.close();
    venue.leave();
  }
}

const toldOf = async (user: string, sent: readonly Message[]): Promise<Told> => {
  const last = sent.at(-1)?.seq;
  return until(`${user} is told of ${last}`, 60_000, async () => {
    const told = await toldBy(chat);
    return told.pushes.some(({ data }) => data.user === user && data.seq === last) ? told : undefined;
  });
};

/** Each message is pushed or folded, and none is told twice under another id. */
function isTold(sent: readonly Message[], { pushes }: Told, user: string): void {
  const own = pushes.filter(({ type, data }) => type === "push.notification" && data.user === user);
  const { folded, later, untold } = coverageOf({
    messages: sent,
    pushes: own.map(({ data }) => ({ ...data, at: 0 })),
    deadLetters: [],
    reads: [],
    people: [{ user, devices: ["phone"], awayFrom: 0, unregistered: [], active: [], live: [] }],
  });
  assert.deepEqual([later, untold], [[], []], `${folded} were folded`);
  const seqs = own.map(({ data }) => data.seq);
  assert.deepEqual(
    seqs.toSorted((a, b) => a - b),
    [...new Set(seqs)].toSorted((a, b) => a - b),
    "none twice",
  );
}

async function tokenOf(user: string): Promise<string> {
  const venue = await chat.venue();
  try {
    return mint(venue.secrets.signingKeyFile, { sub: user });
  } finally {
    venue.leave();
  }
}

scenario(
  "12: push is added, rolled and killed under load, takes new secrets without a restart, and goes again",
  async (t) => {
    await giveSecrets(NAMESPACE, [OLD]);
    const push = await raiseWebhook(NAMESPACE, [OLD, NEW]);
    const others = await chat.uids(OTHERS);
    await chat.patch({ push: { replicas: 2, ...push } });
    await chat.settled(120_000);
    assert.deepEqual(await chat.uids(OTHERS), others, "nothing else was replaced");
    await register("bob", await tokenOf("bob"));

    await underLoad(
      t,
      chat,
      async () => {
        let isOver = false;
        const writing = writeTo("bob", () => isOver);
        try {
          const first = await chat.uids(["push"]);
          await chat.patch({ push: { resources: { requests: { cpu: "30m" } } } });
          await chat.settled(120_000);
          assert.notDeepEqual(await chat.uids(["push"]), first, "other pods");
          const [pod] = await chat.staying("push");
          assert.ok(pod !== undefined);
          await killPod(pod);
        } finally {
          isOver = true;
        }
        const sent = await writing;
        const told = await toldOf("bob", sent);
        isTold(sent, told, "bob");
        t.diagnostic(`${told.pushes.length} pushes, ${told.repeated} of them again after a kill`);
        assert.equal(told.refused, 0);
        assert.ok(told.pushes.every(({ data }) => data.user === "bob" && data.device === "phone"));
      },
      TALKERS,
    );
    await chat.settled(120_000);
    assert.deepEqual(await chat.uids(OTHERS), others);
    assert.match(await kubectlChat(["status", chat.name, "-n", NAMESPACE]), /^Push: \d+ messages queued/m);

    const workers = await chat.uids(["push"]);
    await giveSecrets(NAMESPACE, [NEW, OLD]);
    await until("pushes are signed by both secrets", 240_000, async () => {
      const { pushes } = await toldOf("bob", await writeTo("bob", oneMessage()));
      return pushes.some(({ signatures }) => signatures === 2) ? true : undefined;
    });
    assert.deepEqual(await chat.uids(["push"]), workers, "the same pods");

    await chat.patch({ push: null });
    await until("no worker is left", 90_000, async () =>
      (await chat.pods("push")).length === 0 ? true : undefined,
    );
    await chat.settled(60_000);
    assert.deepEqual(await chat.uids(OTHERS), others, "and nothing else was replaced");
  },
  900_000,
);

/** Says that it is over after one message. */
function oneMessage(): () => boolean {
  let asked = 0;
  return () => (asked += 1) > 1;
}
