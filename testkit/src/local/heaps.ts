import type { Component } from "./component.ts";

/**
 * Megabytes of each half of V8's young heap, as the Dockerfile has them (ADR 0012). Left alone, V8 makes it
 * as large as the machine suggests: 130 MB here that every process ends up holding.
 */
const SEMI_SPACE_MB: Readonly<Record<Component, number>> = { connector: 8, router: 16, storage: 16, api: 16 };

export const youngHeapFlag = (component: Component): string =>
  `--max-semi-space-size=${SEMI_SPACE_MB[component]}`;

/**
 * How much of what lives nats-server's heap may grow by before Go collects it, in percent, as the operator
 * has it (ADR 0012). Go's own 100 makes it hold twice what it needs, and swing by a fifth of that.
 */
export const NATS_GOGC = "25";
