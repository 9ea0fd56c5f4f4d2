import { COMPONENTS } from "../desired/names.ts";
import type { Wish } from "../desired/wish.ts";
import { wantedReplicas } from "../desired/workloads.ts";
import { hashOf } from "../kube/apply.ts";
import type { Observed } from "../observed.ts";
import { countOf } from "../observed.ts";
import { connectorsOf } from "../plan.ts";
import type { Edge } from "./talk-watch.ts";
import { wayOf } from "./way.ts";

/** What a pass knows of the edge; its print is another with each change of the spec, and of who is ready. */
export function edgeOf(wish: Wish, observed: Observed): Edge {
  const { current, older } = connectorsOf(wish, observed);
  const isSettled = older.length === 0 && countOf(observed.find(current)).isSettled;
  const ready = COMPONENTS.map((name) =>
    observed.ofKind("Deployment", name).map((deployment) => countOf(deployment).ready),
  );
  const { generation } = wish.cluster.metadata;
  const print = hashOf([generation, wish.keys.generation, wantedReplicas(wish, "connector"), ready]);
  return { way: wayOf(wish), print, isSettled };
}
