import { LAB, kubectl, run } from "../kubectl.ts";

const NETWORK = "kind";

const engine = async (...args: readonly string[]): Promise<string> => {
  if (LAB.engine === "")
    throw new Error(
      "a node's container is killed here, and this cluster was not made by kind: leave KUBECONFIG out, or leave this scenario out (ONLY=)",
    );
  return (await run(LAB.engine, args)).trim();
};

/** A node that died, with what brings it back. */
export interface DeadNode {
  readonly back: () => Promise<void>;
}

/** Kills a node's container: its kubelet, its containerd and all processes of its pods, at once. */
export async function killNode(name: string): Promise<DeadNode> {
  const format = `{{(index .NetworkSettings.Networks "${NETWORK}").IPAddress}}`;
  const address = await engine("inspect", "--format", format, name);
  await engine("kill", name);
  return {
    async back() {
      // It would come back with another address than the one that its kubelet has registered.
      await engine("network", "disconnect", "--force", NETWORK, name);
      await engine("network", "connect", "--ip", address, NETWORK, name);
      await engine("start", name);
      await kubectl(["wait", "--for=condition=Ready", `node/${name}`, "--timeout=120s"]);
    },
  };
}
