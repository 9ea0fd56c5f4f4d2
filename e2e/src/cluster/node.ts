import type { Pod } from "./chat.ts";
import { LAB, run } from "./kubectl.ts";

const [program, ...before] = LAB.nodeExec;

/** Runs a shell command on the node of a pod, as its root. */
export const onNode = async ({ spec }: Pod, script: string): Promise<string> =>
  run(program, [...before, spec.nodeName, "sh", "-c", script]);

/** Processes of a pod that are not its sandbox: their cgroup has its uid, with - or _ in it. */
const processesOf = ({ metadata: { uid } }: Pod): string =>
  [
    "for p in /proc/[0-9]*; do",
    `grep -qsE 'pod${uid.replaceAll("-", "[-_]")}' $p/cgroup || continue;`,
    "case $(cat $p/comm) in pause|busybox|tail|containerd-shim*|runc*) continue;; esac;",
    "echo ${p#/proc/};",
    "done",
  ].join(" ");

/** kill -9, as the kernel does it when memory is short: nobody is told before. */
export async function killPod(pod: Pod): Promise<void> {
  const killed = await onNode(pod, `for p in $(${processesOf(pod)}); do kill -9 $p && echo $p; done`);
  if (killed.trim() === "") throw new Error(`pod ${pod.metadata.name} had no process to kill`);
}

/** Drops what the pod sends to an address and port, until the value is called. */
export async function cutOff(pod: Pod, destination: string): Promise<() => Promise<void>> {
  const rule = `OUTPUT -d ${destination} -j DROP`;
  const inside = `nsenter --net=/proc/$(${processesOf(pod)} | head -1)/ns/net`;
  // The network namespace is the sandbox's, and outlives the process that is in it now.
  const name = `cut-${pod.metadata.uid}`;
  await onNode(
    pod,
    `mkdir -p /run/netns && touch /run/netns/${name} && mount --bind /proc/$(${processesOf(pod)} | head -1)/ns/net /run/netns/${name} && ${inside} iptables -A ${rule}`,
  );
  return async () => {
    await onNode(
      pod,
      `nsenter --net=/run/netns/${name} iptables -D ${rule}; umount /run/netns/${name}; rm -f /run/netns/${name}`,
    );
  };
}
