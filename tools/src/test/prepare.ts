import {
  needChdb,
  needChromium,
  needNats,
  needNode22,
  needPromtool,
  needRedis,
  needStrace,
} from "@jichat/testkit/needs.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";

const PROGRAMS = ["etcd", "kubectl", "kube-apiserver", "helm"] as const;

/** These stages start servers. The others need only Node and the npm packages. */
const WITH_SERVERS: ReadonlySet<string> = new Set([
  "integration",
  "faults",
  "hostile",
  "matrix",
  "away",
  "kubernetes",
  "page",
]);

/** Whether a stage has to wait for `prepare`. */
export const needsServers = (stage: string): boolean => WITH_SERVERS.has(stage);

/** Brings what these stages need into the tool cache: with an empty one that takes many minutes. */
export async function prepare(stages: readonly string[]): Promise<void> {
  if (!stages.some(needsServers)) return;
  await needNats();
  await needRedis();
  await needChdb();
  await needStrace();
  if (stages.includes("page") || stages.includes("integration")) await needChromium();
  if (!stages.includes("integration")) return;
  await needPromtool();
  await needNode22();
  for (const program of PROGRAMS) await needProgram(program);
}
