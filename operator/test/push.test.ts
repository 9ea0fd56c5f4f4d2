import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { NAMESPACE, World, chat } from "./world.ts";

/** Credentials of push providers, on the real API server: from a user's Secret to what workers read. */
let world: World;
type Found = ChatCluster & KubeObject;
type Secret = KubeObject & { readonly data?: Readonly<Record<string, string>> };

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const hook = (byte: number): string => `whsec_${Buffer.alloc(24, byte).toString("base64")}`;
const giveSecret = async (secret: string): Promise<void> => {
  await world.api.apply(RESOURCES.secrets, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "hook", namespace: NAMESPACE },
    stringData: { secret },
  } as KubeObject);
};
const PUSH = {
  webPush: { subject: "mailto:push@example.com" },
  webhook: { url: "https://push.example.com", secretRef: { name: "hook" } },
};

/** The files that workers read; undefined while there are none. */
async function filesNow(): Promise<Readonly<Record<string, Record<string, unknown>>> | undefined> {
  const found = await world.find<Secret>(RESOURCES.secrets, "pushed-push-providers");
  if (found === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(found.data ?? {}).map(([name, text]) => [
      name,
      JSON.parse(Buffer.from(text, "base64").toString()) as Record<string, unknown>,
    ]),
  );
}
const filesWith = async (secret: string) =>
  until(`workers are given ${secret}`, 20_000, async () => {
    const files = await filesNow();
    return (files?.["webhook.json"]?.["secrets"] as string[] | undefined)?.join() === secret
      ? files
      : undefined;
  });
const patch = async (push: object | null): Promise<unknown> =>
  world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "pushed", { spec: { push } });

const reason = async (type: string, wanted: string): Promise<string> =>
  until(`${type} is ${wanted}`, 20_000, async () => {
    const found = await world.find<Found>(RESOURCES.chatClusters, "pushed");
    return found?.status?.conditions.find((one) => one.type === type && one.reason === wanted)?.message;
  });

test("a change of a Secret reaches workers, a broken one does not, and VAPID keys outlast all of it", async () => {
  await giveSecret(hook(1));
  const first = world.startOperator({ resyncMs: 1_000 });
  // It hibernates, so that no backend is waited for.
  await world.api.apply(RESOURCES.chatClusters, chat("pushed", { hibernate: true, push: PUSH }));
  const files = await filesWith(hook(1));
  assert.equal(files["vapid.json"]?.["subject"], PUSH.webPush.subject);
  const { publicKey } = files["vapid.json"];
  assert.match(String(publicKey), /^[\w-]{87}$/);
  const found = await world.find<Found>(RESOURCES.chatClusters, "pushed");
  assert.partialDeepStrictEqual(found?.spec.push, { replicas: 2, previews: true, mentionsOnlyAbove: 200 });

  await giveSecret(`${hook(2)}\n${hook(1)}`);
  await filesWith(`${hook(2)},${hook(1)}`);

  await giveSecret("whsec_short");
  const message = await reason("SpecValid", "SecretIncomplete");
  assert.match(message, /^spec\.push\.webhook\.secretRef: `secret` of Secret hook line 1 is not `whsec_`/);
  assert.doesNotMatch(message, /whsec_short/);
  assert.deepEqual((await filesNow())?.["webhook.json"]?.["secrets"], [hook(2), hook(1)]);

  await world.api.remove(RESOURCES.secrets, NAMESPACE, "hook");
  assert.match(
    await reason("SpecValid", "SecretMissing"),
    /spec\.push\.webhook\.secretRef names Secret hook/,
  );
  await giveSecret(hook(3));
  await filesWith(hook(3));
  await first.stop();

  const second = world.startOperator({ resyncMs: 1_000 });
  await patch(null);
  for (const [kind, resource] of [
    ["Secret", RESOURCES.secrets],
    ["NetworkPolicy", RESOURCES.networkPolicies],
    ["ServiceAccount", RESOURCES.serviceAccounts],
  ] as const)
    await until(`the ${kind} of push is gone`, 30_000, async () =>
      (await world.find(resource, "pushed-push")) === undefined ? true : undefined,
    );
  assert.equal(await filesNow(), undefined);

  await patch(PUSH);
  const again = await filesWith(hook(3));
  assert.equal(again["vapid.json"]?.["publicKey"], publicKey, "browsers have subscribed with it");
  await second.stop();
});
