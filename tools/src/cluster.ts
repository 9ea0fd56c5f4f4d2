import { createCluster, deleteCluster } from "./cluster/kind.ts";
import { which } from "@jichat/testkit/exec.ts";
import { needProgram } from "@jichat/testkit/kubernetes.ts";
import { UserError, main, say } from "@jichat/testkit/say.ts";

/** `make cluster` and `make cluster-down`: a kind cluster on this machine (CLUSTER= NODES=1..3). */
await main(async () => {
  const [act] = process.argv.slice(2);
  const { CLUSTER = "dev", NODES = "1" } = process.env;
  const nodes = Number(NODES);
  if (!/^[a-z][a-z0-9-]{0,20}$/.test(CLUSTER))
    throw new UserError(`CLUSTER is not 1 to 21 of a-z, 0-9 and -, a letter first: ${CLUSTER}`);
  if (![1, 2, 3].includes(nodes)) throw new UserError(`NODES is not 1, 2 or 3: ${NODES}`);
  if (act === "down") {
    await deleteCluster(CLUSTER);
    say(`cluster ${CLUSTER} is gone`);
    return;
  }
  const { kubeconfig, enter } = await createCluster(CLUSTER, nodes);
  say(`cluster ${CLUSTER} is up. Talk to it with:`);
  say(`  export KUBECONFIG=${kubeconfig}`);
  say(`  ${[...enter, which("kubectl") ?? (await needProgram("kubectl")), "get", "nodes"].join(" ")}`);
});
