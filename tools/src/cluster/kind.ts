import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";
import type { Result } from "@jichat/testkit/exec.ts";
import { hasDocker, needBuilder } from "../images/builder.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";
import { UserError, during } from "@jichat/testkit/say.ts";
import { buildNodeImage } from "./node-image.ts";
import { needPodman } from "./podman.ts";

/** A cluster made by kind: how its API is reached, and how it is deleted. */
export interface KindCluster {
  readonly name: string;
  readonly kubeconfig: string;
  /** The command prefix for every program that talks to the API, a node or a pod. Empty on a Docker host. */
  readonly enter: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  load(archive: string): Promise<void>;
}

/**
 * Without Docker, the whole cluster runs in one network namespace. Nothing in it is reachable from outside,
 * and its addresses vanish together with it.
 */
const namespaceOf = (name: string): string => `jichat-${name}`;
const GATEWAY = "10.89.0.1"; // As in the nodes' Corefile.
const SUBNET = "10.89.0.0/24";

/** kubelet sets these for the whole machine, even from inside a container. */
const SYSCTLS = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
];

const clusterFolder = (name: string): string => join(cacheRoot(), "clusters", name);

const config = (name: string, nodes: number, image: string | undefined): string =>
  [
    "kind: Cluster",
    "apiVersion: kind.x-k8s.io/v1alpha4",
    `name: ${name}`,
    "nodes:",
    ...Array.from({ length: nodes }, (_, at) => {
      const role = at === 0 ? "control-plane" : "worker";
      return `- {role: ${role}${image === undefined ? "" : `, image: "${image}"`}}`;
    }),
    ...(image === undefined
      ? []
      : [
          "kubeadmConfigPatches:",
          "- |",
          "  kind: KubeletConfiguration",
          "  cgroupDriver: cgroupfs",
          "  failCgroupV1: false",
          "  resolvConf: /kind/pod-resolv.conf",
        ]),
    "",
  ].join("\n");

async function run(what: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Result> {
  const [program = "", ...rest] = args;
  const result = await exec(program, rest, { env });
  if (result.code !== 0)
    throw new UserError(
      `${what} failed:\n${(result.stderr || result.stdout).trim().split("\n").slice(-12).join("\n")}`,
    );
  return result;
}

const netnsFile = (name: string): string => `/run/netns/${namespaceOf(name)}`;

/** `ip netns exec` would hide the cgroup mounts. */
const entering = (name: string): readonly string[] => ["nsenter", `--net=${netnsFile(name)}`];

const sysctlPath = (key: string): string => `/proc/sys/${key}`;
const readSysctls = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    SYSCTLS.filter((key) => existsSync(sysctlPath(key))).map((key) => [
      key,
      readFileSync(sysctlPath(key), "utf8").trim(),
    ]),
  );

async function prepareNetwork(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  await run("making a network namespace", ["ip", "netns", "add", namespaceOf(name)], env);
  const enter = entering(name);
  await run("raising loopback", [...enter, "ip", "link", "set", "lo", "up"], env);
  const network = [
    "podman",
    "network",
    "create",
    "--driver=bridge",
    `--subnet=${SUBNET}`,
    `--gateway=${GATEWAY}`,
  ];
  // Another cluster has made it.
  const isThere = await exec("podman", ["network", "exists", "kind"], { env });
  if (isThere.code !== 0) await run("making the nodes' network", [...enter, ...network, "kind"], env);
}

/** The cluster with this name, if it exists. */
export async function findCluster(name: string): Promise<KindCluster | undefined> {
  const folder = clusterFolder(name);
  const kubeconfig = join(folder, "kubeconfig");
  if (!existsSync(kubeconfig)) return undefined;
  const isDocker = existsSync(join(folder, "docker"));
  if (!isDocker && !existsSync(netnsFile(name))) return undefined;
  return open(name, isDocker ? {} : await needPodman(), isDocker ? [] : entering(name));
}

async function open(
  name: string,
  extra: Readonly<Record<string, string>>,
  enter: readonly string[],
): Promise<KindCluster> {
  const kubeconfig = join(clusterFolder(name), "kubeconfig");
  const env = { ...process.env, ...extra, KUBECONFIG: kubeconfig };
  const kind = await needProgram("kind");
  return {
    name,
    kubeconfig,
    enter,
    env,
    async load(archive) {
      await run("loading images", [...enter, kind, "load", "image-archive", archive, "--name", name], env);
    },
  };
}

/** Creates a cluster of 1 to 3 nodes, or returns the existing one of that name. */
export async function createCluster(name: string, nodes: number): Promise<KindCluster> {
  const found = await findCluster(name);
  if (found !== undefined) return found;
  const folder = clusterFolder(name);
  if (existsSync(folder)) await deleteCluster(name); // The remains of a creation that was interrupted.
  const isDocker = await hasDocker();
  const extra = isDocker ? {} : await needPodman();
  const env = { ...process.env, ...extra };
  const image = isDocker ? process.env["NODE_IMAGE"] : await podmanNodeImage(extra);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "kind.yaml"), config(name, nodes, image));
  writeFileSync(join(folder, "sysctls.json"), JSON.stringify(readSysctls()));
  if (isDocker) writeFileSync(join(folder, "docker"), "");
  else await prepareNetwork(name, env);
  const cluster = await open(name, extra, isDocker ? [] : entering(name));
  const create = [await needProgram("kind"), "create", "cluster", "--config", join(folder, "kind.yaml")];
  try {
    await during(
      `creating a kind cluster of ${nodes} ${nodes === 1 ? "node" : "nodes"}`,
      run(
        "kind",
        [...cluster.enter, ...create, "--wait", "180s", "--kubeconfig", cluster.kubeconfig],
        cluster.env,
      ),
    );
  } catch (error) {
    await deleteCluster(name);
    throw error;
  }
  return cluster;
}

/** An image named by the caller is pulled or present. Otherwise the image is built from packages. */
async function podmanNodeImage(extra: Readonly<Record<string, string>>): Promise<string> {
  const named = process.env["NODE_IMAGE"];
  if (named === undefined || named === "") return buildNodeImage(await needBuilder(extra));
  await run(`pulling ${named}`, ["podman", "pull", named], { ...process.env, ...extra });
  return named;
}

/** Removes all of it: containers, volumes, network, namespace and cgroups. Restores machine-wide settings. */
export async function deleteCluster(name: string): Promise<void> {
  const folder = clusterFolder(name);
  if (!existsSync(folder)) return;
  const isDocker = existsSync(join(folder, "docker"));
  const env = {
    ...process.env,
    ...(isDocker ? {} : await needPodman()),
    KUBECONFIG: join(folder, "kubeconfig"),
  };
  const enter = isDocker || !existsSync(netnsFile(name)) ? [] : entering(name);
  const kind = await needProgram("kind");
  await during(
    "deleting the kind cluster",
    run("kind", [...enter, kind, "delete", "cluster", "--name", name], env),
  );
  if (!isDocker) {
    await exec("podman", ["network", "rm", "kind"], { env });
    if (existsSync(netnsFile(name)))
      await run("removing the namespace", ["ip", "netns", "del", namespaceOf(name)], env);
    removeEmptyCgroups();
  }
  restoreSysctls(folder);
  rmSync(folder, { recursive: true, force: true });
  const left = await leftBehind(name, env, isDocker ? "docker" : "podman");
  if (left.length > 0)
    throw new UserError(`the cluster is deleted, but these parts are left: ${left.join(", ")}`);
}

/** What a deleted cluster has left on this machine. */
async function leftBehind(name: string, env: NodeJS.ProcessEnv, engine: string): Promise<readonly string[]> {
  const filter = `label=io.x-k8s.kind.cluster=${name}`;
  const { stdout } = await exec(engine, ["ps", "--all", "--quiet", "--filter", filter], { env });
  const containers = stdout
    .trim()
    .split("\n")
    .filter((id) => id !== "");
  return [
    ...containers.map((id) => `container ${id}`),
    ...(existsSync(netnsFile(name)) ? [`network namespace ${namespaceOf(name)}`] : []),
    ...(existsSync("/sys/fs/cgroup/memory/libpod_parent") ? ["cgroup libpod_parent"] : []),
  ];
}

function restoreSysctls(folder: string): void {
  const file = join(folder, "sysctls.json");
  if (!existsSync(file)) return;
  const before = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, string>>;
  const now = readSysctls();
  for (const [key, value] of Object.entries(before))
    if (now[key] !== value) writeFileSync(sysctlPath(key), value);
}

/** podman leaves an empty parent cgroup in every hierarchy. */
function removeEmptyCgroups(): void {
  const root = "/sys/fs/cgroup";
  if (!existsSync(root)) return;
  for (const hierarchy of [root, ...readdirSync(root).map((name) => join(root, name))]) {
    const parent = join(hierarchy, "libpod_parent");
    if (existsSync(parent)) removeTree(parent);
  }
}

function removeTree(cgroup: string): void {
  for (const name of readdirSync(cgroup)) {
    const path = join(cgroup, name);
    if (statSync(path).isDirectory()) removeTree(path);
  }
  rmdirSync(cgroup);
}
