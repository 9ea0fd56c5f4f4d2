import type { Pod } from "./chat.ts";
import { LAB, run } from "./kubectl.ts";

const [program, ...before] = LAB.nodeExec;

/** Runs a shell command on the node of a pod, as its root. */
export const onNode = async ({ spec }: Pod, script: string): Promise<string> =>
  run(program, [...before, spec.nodeName, "sh", "-c", script]);

const SANDBOX = "pause|busybox|tail";
const RUNTIME = "containerd-shim*|runc*";

/**
 * A pod's processes: their cgroup has its uid, with - or _ in it. Its sandbox is what holds its namespaces
 * open.
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

/** kill -9, as the kernel does it when memory is short: nobody is told before. */
export async function killPod(pod: Pod): Promise<void> {
  const kill = `for p in $(${processesOf(pod, "containers")}); do kill -9 $p && echo $p; done`;
  const killed = await onNode(pod, kill);
  if (killed.trim() === "") throw new Error(`pod ${pod.metadata.name} had no process to kill`);
}

/** Drops what the pod sends to an address, until the value is called. */
export async function cutOff(pod: Pod, destination: string): Promise<() => Promise<void>> {
  const iptables = `nsenter --net=/proc/$(${processesOf(pod, "sandbox")} | head -1)/ns/net iptables`;
  const rule = `OUTPUT -d ${destination} -j DROP`;
  await onNode(pod, `${iptables} -A ${rule}`);
  return async () => {
    await onNode(pod, `${iptables} -D ${rule}`);
  };
}
