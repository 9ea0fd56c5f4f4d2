import assert from "node:assert/strict";
import { test } from "node:test";
import { actOnAll, applyAll, tellRefused } from "./apply-all.ts";
import type { KubeApi } from "./kube/api.ts";
import { KubeError } from "./kube/errors.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";

const object = (kind: string, name: string, spec: object = {}): KubeObject =>
  ({
    apiVersion: kind === "Deployment" ? "apps/v1" : "v1",
    kind,
    metadata: { name, namespace: "people" },
    spec,
  }) as KubeObject;

/** An API server that refuses what `refuses` says, and keeps what it took. */
function server(refuses: (wanted: KubeObject) => KubeError | undefined) {
  const taken: KubeObject[] = [];
  const apply = async (_: unknown, wanted: KubeObject): Promise<KubeObject> => {
    const error = refuses(wanted);
    if (error !== undefined) throw error;
    taken.push(wanted);
    return wanted;
  };
  return { api: { apply } as unknown as Pick<KubeApi, "apply">, taken };
}

const invalid = (name: string) => new KubeError(422, "Invalid", `${name} has a bad toleration`);
const run = async (
  { api }: ReturnType<typeof server>,
  objects: readonly KubeObject[],
  observed: KubeObject[] = [],
) => applyAll(objects, { api, observed: new Observed(observed), onChanged: async () => undefined });

test("a refused object does not keep the others from being applied, whichever rule refuses it", async () => {
  for (const status of [400, 403, 404, 422, 500]) {
    const world = server(({ metadata: { name } }) =>
      name === "b" ? new KubeError(status, "No", "b is refused") : undefined,
    );
    const refused = await run(
      world,
      ["a", "b", "c"].map((name) => object("ConfigMap", name)),
    );
    assert.deepEqual(
      world.taken.map(({ metadata: { name } }) => name),
      ["a", "c"],
    );
    assert.equal(tellRefused(refused), "ConfigMap b: b is refused");
  }
});

test("an error that concerns all objects ends the pass without further requests", async () => {
  for (const status of [401, 409, 429, 503]) {
    const world = server(() => new KubeError(status, "Busy", "not now"));
    await assert.rejects(run(world, [object("ConfigMap", "a")]), { status });
  }
});

test("a Deployment whose new pods are refused is still scaled, with its present pods", async () => {
  type Sized = KubeObject & { readonly spec: { readonly replicas: number; readonly template: object } };
  const good = { spec: { tolerations: [] } };
  const before = object("Deployment", "router", { replicas: 2, template: good });
  const wanted = object("Deployment", "router", {
    replicas: 5,
    template: { spec: { tolerations: ["bad"] } },
  });
  const world = server((one) =>
    JSON.stringify((one as Sized).spec.template).includes("bad") ? invalid("router") : undefined,
  );
  const refused = await run(world, [wanted], [before]);
  assert.equal(refused.length, 1);
  assert.deepEqual(
    world.taken.map((one) => [(one as Sized).spec.replicas, (one as Sized).spec.template]),
    [[5, good]],
  );
});

test("many refusals are reported as a few and the number of the others", () => {
  const many = Array.from({ length: 9 }, (_, at) => ({
    object: object("Service", `s${at}`),
    error: new Error("x".repeat(1_000)),
  }));
  const told = tellRefused(many);
  assert.match(told, /^Service s0: x{500}; .*; and 4 more$/);
});

test("a forbidden action on one object does not stop the others, and a missing object is no fault", async () => {
  const done: string[] = [];
  const refused = await actOnAll(
    ["a", "b", "c", "d"].map((name) => object("Service", name)),
    async ({ metadata: { name } }) => {
      if (name === "b") throw new KubeError(403, "Forbidden", "no right to");
      if (name === "c") throw new KubeError(404, "NotFound", "gone");
      done.push(name);
    },
  );
  assert.deepEqual(done, ["a", "d"]);
  assert.equal(tellRefused(refused), "Service b: no right to");
  const busy = actOnAll([object("Service", "a")], () =>
    Promise.reject(new KubeError(429, "Busy", "not now")),
  );
  await assert.rejects(busy, { status: 429 });
});
