import type { TestContext } from "node:test";
import { test } from "node:test";
import { keepEvidence } from "./evidence.ts";
import { NAMESPACE } from "./namespaces.ts";

const TIMEOUT_MS = 400_000;

/** A scenario. Its duration is recorded as a figure, and a failure's evidence is kept. */
export function scenario(name: string, act: (t: TestContext) => Promise<void>, timeoutMs = TIMEOUT_MS): void {
  void test(name, { timeout: timeoutMs }, async (t) => {
    const started = performance.now();
    try {
      await act(t);
    } catch (error) {
      t.diagnostic(`logs, Events and objects are in ${await keepEvidence([NAMESPACE])}`);
      throw error;
    }
    t.diagnostic(`${((performance.now() - started) / 1_000).toFixed(1)} s in all`);
  });
}
