import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { exec } from "@jichat/testkit/exec.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { World } from "./world.ts";

const CHART = join(import.meta.dirname, "../../chart");
let world: World;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

async function helm(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const { code, stdout, stderr } = await exec(await needProgram("helm"), args, { env: process.env });
  return { code, text: code === 0 ? stdout : stderr };
}

const render = async (...sets: readonly string[]) =>
  helm([
    "template",
    "jichat",
    CHART,
    "--namespace=default",
    "--kube-version=1.34.2",
    ...sets.map((one) => `--set=${one}`),
  ]);

async function kubectl(args: readonly string[]): Promise<string> {
  const env = { ...process.env, KUBECONFIG: world.plane.kubeconfig };
  const { code, stdout, stderr } = await exec(await needProgram("kubectl"), args, { env });
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Names of what a manifest would make, as the real API server takes it. */
async function dryRun(manifest: string): Promise<readonly string[]> {
  const file = join(world.folder, `manifest-${Math.random().toString(36).slice(2)}.yaml`);
  writeFileSync(file, manifest);
  const made = await kubectl(["apply", "--dry-run=server", "-n", "default", "-o", "name", "-f", file]);
  return made.trim().split("\n");
}

test("the real API server accepts everything that the chart can render", { timeout: 120_000 }, async () => {
  await world.teach("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors");
  await world.teach("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules");
  const bare = await render();
  assert.equal(bare.code, 0, bare.text);
  const names = await dryRun(bare.text);
  for (const wanted of [
    "customresourcedefinition.apiextensions.k8s.io/chatclusters.chat.jichat.io",
    "serviceaccount/jichat-operator",
    "clusterrole.rbac.authorization.k8s.io/jichat-operator",
    "deployment.apps/jichat-operator",
    "poddisruptionbudget.policy/jichat-operator",
    "networkpolicy.networking.k8s.io/jichat-operator",
    "pod/jichat-operator-talk",
    "job.batch/jichat-operator-uninstall",
  ])
    assert.ok(names.includes(wanted), `${wanted} is among ${names.join(" ")}`);
  const all = await render(
    "podMonitor.enabled=true",
    "prometheusRule.enabled=true",
    "dashboards.enabled=true",
  );
  const more = (await dryRun(all.text)).filter((name) => !names.includes(name));
  assert.equal(more.length, 7, more.join(" "));
});

test("a chart for some namespaces has rights in them alone, and a Lease of its own", async () => {
  const { text } = await render("watchNamespaces={one,two}");
  assert.doesNotMatch(text, /kind: ClusterRole/);
  assert.equal((text.match(/^kind: Role$/gm) ?? []).length, 3);
  for (const namespace of ["one", "two"])
    assert.equal((text.match(new RegExp(`^  namespace: ${namespace}$`, "gm")) ?? []).length, 2);
  assert.match(text, /name: WATCH_NAMESPACES, value: "one,two"/);
  const leaseOf = (manifest: string): string => {
    const lease = /name: LEASE, value: (\S+)/.exec(manifest)?.[1] ?? "";
    assert.ok(manifest.includes(`"resourceNames":["${lease}"]`), `no right to ${lease}`);
    return lease;
  };
  const all = (await render()).text;
  assert.equal(leaseOf(all), "jichat-operator");
  assert.match(leaseOf(text), /^jichat-operator-[0-9a-f]{8}$/);
  assert.equal(leaseOf((await render("watchNamespaces={two,one}")).text), leaseOf(text));
  assert.notEqual(leaseOf((await render("watchNamespaces={one}")).text), leaseOf(text));
});

test("pods on OpenShift leave their user ids to the platform, those of the operator and of ChatClusters", async () => {
  const { text: plain } = await render();
  assert.match(plain, /runAsUser: 65532/);
  assert.match(plain, /name: POD_USERS, value: fixed/);
  const args = [
    "template",
    "jichat",
    CHART,
    "--kube-version=1.34.2",
    "--api-versions=security.openshift.io/v1",
  ];
  for (const { text } of [await helm(args), await render("podUsers=assigned")]) {
    assert.doesNotMatch(text, /runAsUser: /); // The CRD, as JSON, has a field of that name.
    assert.match(text, /name: POD_USERS, value: assigned/);
    assert.match(text, /runAsNonRoot: true/);
  }
});

test("the hook before an uninstall has the namespaces of the ChatClusters, and knows whether the CRD is deleted", async () => {
  const job = async (...sets: readonly string[]): Promise<string> => {
    const { text } = await render(...sets);
    return text.split("---").find((part) => part.includes("helm.sh/hook: pre-delete")) ?? "";
  };
  assert.match(await job(), /args: \[before-uninstall\]/);
  assert.match(await job(), /name: CRD_GOES, value: "no"/);
  assert.match(await job("crd.keep=false"), /name: CRD_GOES, value: "yes"/);
  assert.match(await job("crd.keep=false", "crd.install=false"), /name: CRD_GOES, value: "no"/);
  assert.match(await job("watchNamespaces={a}"), /name: LEASE, value: jichat-operator-[0-9a-f]{8}/);
  assert.equal(await job("uninstallCheck.enabled=false"), "");
});

test("no RBAC rule has a wildcard, and Secrets are listed only where necessary", async () => {
  const { text } = await render();
  const rules = [...text.matchAll(/^rules: (.*)$/gm)].flatMap(
    ([, json = "[]"]) => JSON.parse(json) as { verbs: string[]; resources: string[]; apiGroups: string[] }[],
  );
  assert.ok(rules.length > 8);
  const known = new Set<string>(Object.values(RESOURCES).map(({ plural }) => plural));
  for (const { verbs, resources, apiGroups } of rules) {
    assert.ok(![...verbs, ...resources, ...apiGroups].includes("*"), JSON.stringify(resources));
    for (const resource of resources) assert.ok(known.has(resource.split("/")[0] ?? ""), resource);
  }
});

test("wrong values are refused by their name before anything is sent", async () => {
  for (const [set, says] of [
    ["replicas=0", /replicas/],
    ["image.pullPolicy=Sometimes", /pullPolicy/],
    ["probeMs=1", /probeMs/],
    ["watchNamespaces={Not_A_Name}", /watchNamespaces/],
    ["replica=2", /replica/],
  ] as const) {
    const { code, text } = await render(set);
    assert.notEqual(code, 0, `${set} was taken`);
    assert.match(text, says);
  }
});

test("the commands that an install prints work", { timeout: 60_000 }, async () => {
  const env = { ...process.env, KUBECONFIG: world.plane.kubeconfig };
  const install = [
    "install",
    "jichat",
    CHART,
    "-n",
    "default",
    "--dry-run=server",
    "--set=crd.install=false",
  ];
  const { stdout, stderr } = await exec(await needProgram("helm"), install, { env });
  const [apply] = /^kubectl apply [\s\S]*?^END$/m.exec(stdout) ?? assert.fail(stderr);
  const folder = dirname(await needProgram("kubectl"));
  const path = `${folder}${delimiter}${process.env["PATH"] ?? ""}`;
  const done = await exec("sh", ["-c", apply], { env: { ...env, PATH: path } });
  assert.match(done.stdout, /chat created/, done.stderr);
  const made = await world.find(RESOURCES.chatClusters, "chat");
  assert.equal(made?.metadata.namespace, "default");
  await world.api.remove(RESOURCES.chatClusters, "default", "chat");
  assert.match(stdout, /^kubectl get chat -n default --watch/m);
  assert.match(stdout, /^helm test jichat -n default/m);
});

test("the API server accepts every sample", { timeout: 60_000 }, async () => {
  const samples = readdirSync(join(CHART, "samples"));
  assert.deepEqual(samples.sort(), ["existing.yaml", "laptop.yaml", "production.yaml"]);
  for (const sample of samples)
    await kubectl(["apply", "--dry-run=server", "-n", "default", "-f", join(CHART, "samples", sample)]);
});
