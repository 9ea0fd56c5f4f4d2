import assert from "node:assert/strict";
import { after, before } from "node:test";
import type { TestContext } from "node:test";
import { groupConversation, partitionOf } from "@jichat/protocol/ids.ts";
import { SYNTHETIC_PERSON } from "@jichat/protocol/synthetic.ts";
import type { Pod } from "../src/cluster/chat.ts";
import { Chat, laptop } from "../src/cluster/chat.ts";
import { asUser } from "../src/cluster/drift.ts";
import { helm, kubectl } from "../src/cluster/kubectl.ts";
import { NAMESPACE } from "../src/cluster/namespaces.ts";
import { cutOff, filter } from "../src/cluster/node.ts";
import { RELEASE, install, leader } from "../src/cluster/release.ts";
import { scenario } from "../src/cluster/scenario.ts";
import { ghost } from "../src/ghost.ts";

const chat = new Chat(NAMESPACE, "chat");
/** From the harm to a status that says so, and from its end to one that says that. */
const TOLD_MS = 90_000;
const MENDED_MS = 120_000;
const PARTITIONS = 8;
/** Not the one that the operator writes to. */
const OTHER = (partitionOf(groupConversation(SYNTHETIC_PERSON, "talk"), PARTITIONS) + 3) % PARTITIONS;

before(async () => {
  await install();
  await chat.apply(laptop({ partitions: PARTITIONS }));
  await chat.settled(120_000);
  await chat.until("SyntheticTalk", "True", TOLD_MS);
});

after(async () => {
  await chat.loseData();
  await chat.ask(["delete", "chat", chat.name, "--timeout=180s"]);
  await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found"]);
});

async function only(component: string): Promise<Pod> {
  const [pod] = await chat.pods(component);
  if (pod === undefined) throw new Error(`there is no pod of ${component}`);
  return pod;
}

const addressOf = async (service: string): Promise<string> =>
  kubectl(["-n", NAMESPACE, "get", "service", service, "-o", "jsonpath={.spec.clusterIP}"]);

const condition = async (type: string): Promise<string> => {
  const { status } = await chat.read();
  const found = status?.conditions?.find((one) => one.type === type);
  return `${found?.status} ${found?.reason} ${found?.message}`;
};

/** The status says that people cannot talk, and at which step, within 90 s; and that they can once it is mended. */
async function toldWithin(
  t: TestContext,
  mend: () => Promise<void>,
  says: RegExp,
  look: () => Promise<void> = async () => undefined,
): Promise<void> {
  let isMended = false;
  try {
    const seconds = await chat.until("SyntheticTalk", "False", TOLD_MS);
    const talk = await condition("SyntheticTalk");
    t.diagnostic(`told after ${seconds.toFixed(1)} s: ${talk}`);
    assert.match(talk, says);
    assert.match(await condition("Ready"), /^False PeopleCannotTalk/);
    await look();
    isMended = true;
    await mend();
  } finally {
    if (!isMended) await mend();
  }
  const seconds = await chat.until("SyntheticTalk", "True", MENDED_MS);
  t.diagnostic(`talks again ${seconds.toFixed(1)} s after it was mended`);
  await chat.until("Ready", "True", MENDED_MS);
}

scenario("10a: refusing connectors and the recovery are each reported within 90 s", async (t) => {
  const mend = await filter(
    await only("connector"),
    "INPUT -p tcp --dport 8081 -j REJECT --reject-with tcp-reset",
  );
  await toldWithin(t, mend, /^False ConnectFails connect fails: .*ECONNREFUSED/, async () => {
    const { name } = (await leader()).metadata;
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}:9090/proxy/metrics`;
    const metrics = await kubectl(["get", "--raw", path]);
    assert.match(
      metrics,
      /^jichat_operator_people_can_talk\{[^}]*chat_cluster="jichat\/chat"[^}]*\} 0(?: |$)/m,
    );
    assert.match(metrics, /^jichat_operator_synthetic_talk_count\{[^}]*outcome="connect"[^}]*\} [1-9]/m);
  });
  const events = await chat.ask(["get", "events", "--field-selector=involvedObject.name=chat", "-o", "json"]);
  assert.match(events, /"PeopleCannotTalk"/);
  assert.match(events, /"ConnectFails"/);
});

scenario("10b: storage is cut off from ClickHouse, and the operator is not", async (t) => {
  const mend = await cutOff(await only("storage"), await addressOf("chat-clickhouse"));
  await toldWithin(t, mend, /^False (ResumeFails|HistoryFails)/, async () => {
    assert.match(await condition("BackendsReachable"), /^True/, "the operator itself reaches it");
    await chat.until("Degraded", "True", TOLD_MS);
    assert.match(await condition("Degraded"), /^True HistoryStuck HistoryStuck: partitions 0-7: ClickHouse/);
  });
});

scenario("10c: Redis is gone", async (t) => {
  const mend = await filter(await only("redis"), "INPUT -p tcp --dport 6379 -j DROP");
  await toldWithin(t, mend, /^False (HelloFails|ReceiveFails|ResumeFails)/);
});

scenario("10d: a partition other than the one that is written to is not served", async (t) => {
  await asUser(chat, "router", async (options, names) => {
    const mend = await ghost(options, names, [OTHER]);
    await toldWithin(
      t,
      mend,
      new RegExp(`^False HistoryFails history fails: partition ${OTHER}: UNAVAILABLE`),
      async () => {
        await chat.until("Degraded", "True", TOLD_MS);
        assert.match(
          await condition("Degraded"),
          new RegExp(
            `^True PartitionStopped PartitionStopped: partition ${OTHER}: no router owns it; look at nats`,
          ),
        );
      },
    );
    await chat.until("Degraded", "False", MENDED_MS);
  });
});

scenario("10e: the log is lost", async (t) => {
  const mend = await filter(await only("nats"), "INPUT -p tcp --dport 4222 -j DROP");
  await toldWithin(t, mend, /^False (ConnectFails|HelloFails|SendFails)/);
});
