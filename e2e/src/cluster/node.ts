import type { Pod } from "./chat.ts";
import { HANDS } from "./namespaces.ts";
import { until } from "@jichat/testkit/until.ts";
import { LAB, apply, kubectl, read } from "./kubectl.ts";

const LABELS = { app: "hand" };

/** Starts the hands of the tests: a privileged pod on each node, for any kind of cluster. */
async function raise(): Promise<void> {
  const labels = { "pod-security.kubernetes.io/enforce": "privileged" };
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: HANDS, labels } });
  await apply({
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "hand", namespace: HANDS },
    spec: {
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          hostPID: true,
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 0,
          tolerations: [{ operator: "Exists" }],
          containers: [{ name: "hand", image: LAB.handImage, securityContext: { privileged: true } }],
        },
      },
    },
  });
  await kubectl(["-n", HANDS, "rollout", "status", "daemonset/hand", "--timeout=90s"]);
}

const raised: { hands?: Promise<void> } = {};

/** The name of the hand on a pod's node. */
async function handOf({ spec: { nodeName } }: Pod): Promise<string> {
  raised.hands ??= raise();
  await raised.hands;
  return until(`a hand on ${nodeName}`, 30_000, async () => {
    const { items } = await read<{ readonly items: readonly Pod[] }>([
      "-n",
      HANDS,
      "get",
      "pods",
      `--field-selector=spec.nodeName=${nodeName},status.phase=Running`,
    ]);
    return items[0]?.metadata.name;
  });
}

/** Runs a shell command as root on a pod's node, with the node's own programs. */
async function onNode(pod: Pod, script: string): Promise<string> {
  const onHost = ["/usr/bin/busybox", "nsenter", "-t", "1", "-m", "--", "sh", "-c", script];
  return kubectl(["-n", HANDS, "exec", await handOf(pod), "--", ...onHost]);
}

const SANDBOX = "pause|busybox|tail";
const RUNTIME = "containerd-shim*|runc*";

/**
 * A shell command that lists a pod's processes. Their cgroup has the pod's uid, with - or _ in it. The
 * sandbox is the process that holds the namespaces open.
 */
const processesOf = ({ metadata: { uid } }: Pod, which: "sandbox" | "containers"): string =>
  [
    "for p in /proc/[0-9]*; do",
    `grep -qsE 'pod${uid.replaceAll("-", "[-_]")}' $p/cgroup || continue;`,
    which === "sandbox"
      ? `case $(cat $p/comm) in ${SANDBOX}) ;; *) continue;; esac;`
      : `case $(cat $p/comm) in ${SANDBOX}|${RUNTIME}) continue;; esac;`,
    "echo ${p#/proc/};",
    "done",
  ].join(" ");

/** Sends SIGKILL, as the kernel does when memory is short: no process is warned. */
export async function killPod(pod: Pod): Promise<void> {
  const kill = `for p in $(${processesOf(pod, "containers")}); do kill -9 $p && echo $p; done`;
  const killed = await onNode(pod, kill);
  if (killed.trim() === "") throw new Error(`pod ${pod.metadata.name} had no process to kill`);
}

/** Applies an iptables rule to a pod's traffic until the returned function is called. */
export async function filter(pod: Pod, rule: string): Promise<() => Promise<void>> {
  const iptables = `nsenter --net=/proc/$(${processesOf(pod, "sandbox")} | head -1)/ns/net iptables`;
  await onNode(pod, `${iptables} -A ${rule}`);
  return async () => {
    await onNode(pod, `${iptables} -D ${rule}`);
  };
}

/** Drops the pod's packets to an address until the returned function is called. */
export const cutOff = async (pod: Pod, destination: string): Promise<() => Promise<void>> =>
  filter(pod, `OUTPUT -d ${destination} -j DROP`);
