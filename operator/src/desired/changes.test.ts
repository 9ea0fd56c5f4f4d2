import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { Schema } from "../../test/leaves.ts";
import { leavesOf } from "../../test/leaves.ts";
import { PUSH, everything, inputOf } from "../../test/input.ts";
import { SPEC } from "../crd/spec.ts";
import { TRANSITIONS, rowOf } from "../crd/transitions.ts";
import type { KubeObject } from "../kube/object.ts";
import type { DesiredInput } from "./desired-input.ts";
import type { Workload } from "./workloads.ts";

type Pair = readonly [unknown, unknown];

/** Two values that a field may have: what is checked is not whether they are good. */
function pairOf(schema: Schema): Pair {
  if (schema.enum !== undefined) return [schema.enum[0], schema.enum[1]];
  if (schema.type === "array") return pairOf(schema.items ?? {}).map((one) => [one]) as [unknown, unknown];
  if (schema.type === "boolean") return [false, true];
  if (schema.type === "string") return ["a", "b"];
  if (schema.type === "object") return [{ mark: "a" }, { mark: "b" }];
  return [1, 2];
}

/** A spec in which the field at `path` has `value`. */
function specWith(schema: Schema, path: readonly string[], value: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const of = schema.items ?? schema;
  const object = { [name]: specWith(of.properties?.[name] ?? {}, rest, value) };
  return schema.items === undefined ? object : [object];
}

const at = (path: readonly string[]): Schema =>
  path.reduce((schema: Schema, name) => (schema.items ?? schema).properties?.[name] ?? {}, SPEC as Schema);

const urls = (scheme: string): Pair => [`${scheme}://a.example:1`, `${scheme}://b.example:1`];
const PAIRS: Readonly<Record<string, Pair>> = {
  "nats.external.url": urls("nats"),
  "redis.external.url": urls("redis"),
  "clickhouse.external.url": urls("http"),
  "auth.jwksUrl": urls("http"),
  "observability.otlp.endpoint": urls("http"),
};

/** Fields that name what is read elsewhere: what is there makes the difference, not its name. */
const login = (mark: string) => ({ username: "me", password: mark });
const NAMED: Readonly<Record<string, (mark: string) => Partial<DesiredInput>>> = {
  version: (mark) => ({ version: mark }),
  "connectors.tls.secret": (mark) => ({ tls: { "tls.crt": mark, "tls.key": mark } }),
  "push.templates.configMapRef.name": (mark) => ({ push: { templates: { "de.json": mark } } }),
  "auth.secret": (mark) => ({ tokenKeys: { jwks: mark, signingKey: undefined } }),
  "nats.external.secret": (mark) => ({ logins: { nats: login(mark) } }),
  "redis.external.secret": (mark) => ({ logins: { redis: login(mark) } }),
  "clickhouse.external.secret": (mark) => ({ logins: { clickhouse: login(mark) } }),
  "nats.external.tls.secret": (mark) => ({ backendTls: { nats: { ca: mark } } }),
  "redis.external.tls.secret": (mark) => ({ backendTls: { redis: { ca: mark } } }),
  "clickhouse.external.tls.secret": (mark) => ({ backendTls: { clickhouse: { ca: mark } } }),
};

/** What a backend needs beside the field that is looked at. */
function around(path: string): object {
  const [name = "", kind] = path.split(".");
  const url = PAIRS[`${name}.external.url`]?.[0];
  if (name === "push") return { push: PUSH };
  if (kind === "external" && !path.endsWith(".url")) return { [name]: { external: { url } } };
  return kind === "embedded" ? { [name]: { embedded: { storage: { size: "1Gi" } } } } : {};
}

function inputWith(path: string, which: 0 | 1): DesiredInput {
  const parts = path.split(".");
  const named = NAMED[path];
  if (named !== undefined) return inputOf(around(path), named(which === 0 ? "a" : "b"));
  const value = (PAIRS[path] ?? pairOf(at(parts)))[which];
  return inputOf(specWith(SPEC as Schema, parts, value) as object);
}

/** Pods that there are, by what they are made of; the Job is of no people's. */
const podsOf = (input: DesiredInput): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    everything(input)
      .filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")
      .map((object: KubeObject) => {
        const { kind, metadata, spec } = object as Workload;
        const component = metadata.labels?.["app.kubernetes.io/component"];
        return [`${kind} ${component}`, { asleep: spec.replicas === 0, template: spec.template }];
      }),
  );

test("a change of each field replaces pods exactly if the table says so", () => {
  for (const path of leavesOf(SPEC as Schema)) {
    const { does } = TRANSITIONS[rowOf(path) ?? ""] ?? assert.fail(path);
    if (does === "refused") continue;
    const [before, after] = [podsOf(inputWith(path, 0)), podsOf(inputWith(path, 1))];
    const isAnew = !isDeepStrictEqual(after, before);
    assert.equal(isAnew, does === "rolled", `${path} is said to be ${does}`);
  }
});
