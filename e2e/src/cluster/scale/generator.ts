import { monitorEventLoopDelay } from "node:perf_hooks";

/**
 * What the load generator itself used. The devices are in the test's own process, outside the cluster and
 * beside its nodes: nothing else runs there but calls of kubectl. What it is late by, it measures as slowness
 * of the cluster.
 */
export function watchGenerator(): () => string {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const cpu = process.cpuUsage();
  const started = performance.now();
  return () => {
    delay.disable();
    const { user, system } = process.cpuUsage(cpu);
    const share = (user + system) / 1_000 / (performance.now() - started);
    return `the generator used ${(100 * share).toFixed(0)} % of a core, and was late by ${(delay.percentile(99) / 1e6).toFixed(0)} ms (p99)`;
  };
}
