import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { after, before } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import { Chat, laptop } from "../src/cluster/chat.ts";
import type { Failure } from "../src/cluster/failing.ts";
import { REFUSED_BY_API, fails } from "../src/cluster/failing.ts";
import { LAB, apply, find, helm, kubectl, read } from "../src/cluster/kubectl.ts";
import { underLoad } from "../src/cluster/load.ts";
import { NAMESPACE } from "../src/cluster/namespaces.ts";
import { RELEASE, install } from "../src/cluster/release.ts";
import { scenario } from "../src/cluster/scenario.ts";
import { makeClass, takeClass } from "../src/cluster/storage-class.ts";

/** Each kind of thing that can be in the way of a pass: it is told, and nothing else waits for it. */
const chat = new Chat(NAMESPACE, "failing");
const TALKERS = { pairs: 10, groups: 2, groupSize: 10, rate: 1 };
const RIGID = "jichat-rigid";

before(async () => {
  await install();
  await makeClass(RIGID, false);
  const storage = { size: "2Gi", className: RIGID };
  await chat.apply(laptop({ nats: { managed: { replicas: 1, storage, image: LAB.backends.nats } } }));
  await chat.settled(120_000);
});

after(async () => {
  await chat.loseData();
  await chat.ask(["delete", "chat", chat.name, "--timeout=180s"]);
  await helm(["uninstall", RELEASE, "-n", NAMESPACE, "--ignore-not-found"]);
  await takeClass(RIGID);
});

async function underFailure(t: TestContext, failure: Failure): Promise<void> {
  await underLoad(t, chat, async () => fails(t, chat, failure), TALKERS);
}

const replicasOf = async (component: string): Promise<number> =>
  (await chat.pods(component)).filter(({ metadata }) => metadata.deletionTimestamp === undefined).length;

/** It holds once its controller has counted what there is. */
async function quota(name: string, hard: Readonly<Record<string, string>>): Promise<void> {
  const metadata = { name, namespace: NAMESPACE };
  await apply({ apiVersion: "v1", kind: "ResourceQuota", metadata, spec: { hard } });
  await until(`quota ${name} has counted`, 20_000, async () => {
    const told = await chat.ask(["get", "resourcequota", name, "-o", "jsonpath={.status.used}"]);
    return told.trim() !== "";
  });
}
const noQuota = async (name: string): Promise<string> =>
  chat.ask(["delete", "resourcequota", name, "--ignore-not-found"]);

scenario("a Deployment with a toleration that Kubernetes refuses is still scaled", async (t) => {
  await underFailure(t, {
    fail: async () => chat.patch({ api: { template: { tolerations: [{ operator: "Sideways" }] } } }),
    told: REFUSED_BY_API(/Deployment failing-api: .*toleration.*Sideways/i),
    meanwhile: async () => {
      await chat.patch({ api: { replicas: 2 } });
      await until("two pods of the api", 60_000, async () =>
        (await replicasOf("api")) === 2 ? true : undefined,
      );
    },
    cure: async () => chat.patch({ api: { replicas: 1, template: null } }),
  });
});

scenario("the old connectors go on when the quota of Deployments is used up", async (t) => {
  const before = await chat.uids(["connector"]);
  await underFailure(t, {
    fail: async () => {
      await quota("deployments", { "count/deployments.apps": "0" });
      await chat.patch({ connectors: { maxConnectionsPerPod: 4_500 } });
    },
    told: REFUSED_BY_API(/Deployment failing-canary: .*exceeded quota: deployments/),
    meanwhile: async () => {
      assert.deepEqual(await chat.uids(["connector"]), before);
    },
    cure: async () => {
      await noQuota("deployments");
    },
  });
  assert.notDeepEqual(await chat.uids(["connector"]), before, "the new revision came when it could");
});

scenario("Deployments without pods are reported when the quota of resources is used up", async (t) => {
  const asked = "ephemeral-storage"; // Of which other pods ask for none.
  await chat.patch({ storage: { resources: { requests: { [asked]: "1Mi" } } } });
  await chat.settled(120_000);
  await underFailure(t, {
    fail: async () => {
      await quota("disks", { [`requests.${asked}`]: "1Mi" });
      await chat.patch({ storage: { replicas: 2 } });
    },
    told: [
      {
        type: "Degraded",
        status: "True",
        reason: "PodsRefused",
        message: /failing-storage: .*exceeded quota: disks/,
      },
      { type: "Ready", status: "False", reason: "ComponentsNotReady", message: /storage 1\/2/ },
    ],
    cure: async () => {
      await noQuota("disks");
    },
  });
  assert.equal(await replicasOf("storage"), 2);
  await chat.patch({ storage: { replicas: 1 } });
  await chat.settled(60_000);
});

scenario("the previous spec is kept while a Secret that the spec names is missing", async (t) => {
  const message = /spec\.auth\.secret names Secret nobodys, which is not in namespace/;
  await underFailure(t, {
    fail: async () => chat.patch({ auth: { secret: "nobodys" } }),
    told: [
      { type: "SpecValid", status: "False", reason: "SecretMissing", message },
      { type: "Reconciled", status: "False", reason: "SecretMissing", message },
    ],
    meanwhile: async () => {
      await chat.ask(["delete", "service", "failing-api"]);
      await until("the Service is back", 30_000, async () =>
        find(["-n", NAMESPACE, "get", "service", "failing-api"]),
      );
    },
    cure: async () => chat.patch({ auth: { secret: null } }),
  });
});

scenario("the previous version goes on and is scaled while an image cannot be pulled", async (t) => {
  const absent = LAB.versions[0].replace(/\d+$/, "999"); // Of the same minor version: others are not begun.
  const message = new RegExp(`canary failed: .*${LAB.registry}/connector:${absent.replaceAll(".", "\\.")}`);
  await underFailure(t, {
    fail: async () => chat.patch({ version: absent }),
    told: [{ type: "Degraded", status: "True", reason: "RolledBack", message }],
    meanwhile: async () => {
      const { status } = await chat.read();
      assert.equal(status?.version, LAB.versions[0], "the version that serves");
      assert.equal(await replicasOf("router"), 2);
    },
    cure: async () => chat.patch({ version: LAB.versions[0] }),
  });
});

scenario("all else is kept while a volume cannot grow, and it grows once its class allows it", async (t) => {
  const claim = ["get", "pvc", "data-failing-nats-0", "-o", "jsonpath={.spec.resources.requests.storage}"];
  await underFailure(t, {
    fail: async () => chat.patch({ nats: { managed: { storage: { size: "3Gi" } } } }),
    told: REFUSED_BY_API(/PersistentVolumeClaim data-failing-nats-0: .*allowVolumeExpansion: true/),
    meanwhile: async () => {
      assert.equal(await chat.ask(claim), "2Gi");
    },
    cure: async () => {
      await kubectl(["patch", "storageclass", RIGID, "-p", '{"allowVolumeExpansion":true}']);
    },
  });
  assert.equal(await chat.ask(claim), "3Gi");
});

interface Role {
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

scenario("an operator that lost a right reports the refused objects, and does everything else", async (t) => {
  const role = ["clusterrole", `${RELEASE}-operator`];
  const { rules } = await read<Role>(["get", ...role]);
  const give = async (some: Role["rules"]): Promise<string> =>
    kubectl(["patch", ...role, "--type=merge", "-p", JSON.stringify({ rules: some })]);
  const budgets = "poddisruptionbudgets";
  assert.ok(rules.some(({ resources }) => resources.includes(budgets)));
  const fewer = rules.map((rule) =>
    rule.resources.includes(budgets)
      ? { ...rule, resources: rule.resources.filter((one) => one !== budgets) }
      : rule,
  );
  const looking = { apiGroups: ["policy"], resources: [budgets], verbs: ["get", "list", "watch"] };
  await underFailure(t, {
    fail: async () => {
      await give([...fewer.filter(({ resources }) => resources.length > 0), looking]);
      await until("the API server says no", 20_000, async () => {
        const as = `--as=system:serviceaccount:${NAMESPACE}:${RELEASE}-operator`;
        // kubectl ends with 1 where the answer is no.
        const said = await chat.ask(["auth", "can-i", "create", budgets, as]).catch(String);
        return !said.startsWith("yes");
      });
      await chat.ask(["delete", "poddisruptionbudget", "failing-api"]);
    },
    told: REFUSED_BY_API(/PodDisruptionBudget failing-api: .*forbidden/),
    cure: async () => {
      await give(rules);
    },
  });
  await chat.ask(["get", "poddisruptionbudget", "failing-api"]);
});
