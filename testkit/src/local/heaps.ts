import type { Component } from "./component.ts";

/**
 * Megabytes of each half of V8's young heap, as in the Dockerfile (ADR 0012). By default, V8 sizes it by the
 * machine: here 130 MB, which every process would end up holding.
 */
const SEMI_SPACE_MB: Readonly<Record<Component, number>> = {
  connector: 8,
  router: 16,
  storage: 16,
  api: 16,
  push: 16,
};

/**
 * Megabytes of V8's old heap, where a component's own bounds say how much it can need. Below two gigabytes,
 * V8 also lets garbage grow to less before it collects: by a half of what lives, instead of three times that.
 */
const OLD_SPACE_MB: Readonly<Partial<Record<Component, number>>> = { push: 384 };

/** The Node flags that set a component's heap. */
export const heapFlags = (component: Component): readonly string[] => {
  const old = OLD_SPACE_MB[component];
  return [
    `--max-semi-space-size=${SEMI_SPACE_MB[component]}`,
    ...(old === undefined ? [] : [`--max-old-space-size=${old}`]),
  ];
};

/**
 * The percentage by which nats-server's heap may grow before Go collects it, as the operator sets it (ADR
 * 0012). With Go's default 100, it holds twice what it needs, and varies by a fifth of that.
 */
export const NATS_GOGC = "25";
