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

/** The Node flag that sets a component's young heap. */
export const youngHeapFlag = (component: Component): string =>
  `--max-semi-space-size=${SEMI_SPACE_MB[component]}`;

/**
 * The percentage by which nats-server's heap may grow before Go collects it, as the operator sets it (ADR
 * 0012). With Go's default 100, it holds twice what it needs, and varies by a fifth of that.
 */
export const NATS_GOGC = "25";
