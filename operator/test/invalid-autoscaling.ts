import type { Invalid } from "./invalid-specs.ts";

const connectors = (autoscaling: object, more: object = {}): object => ({
  connectors: { autoscaling: { maxReplicas: 8, ...autoscaling }, ...more },
});

/** As INVALID, of what scales by load. */
export const INVALID_AUTOSCALING: readonly Invalid[] = [
  {
    name: "autoscaling without an upper bound",
    spec: { connectors: { autoscaling: { minReplicas: 2 } } },
    says: /connectors\.autoscaling\.maxReplicas.*Required/,
  },
  {
    name: "a mode of one's own",
    spec: connectors({ mode: "Cpu" }),
    says: /autoscaling\.mode.*Connections.*External/,
  },
  {
    name: "bounds the wrong way round",
    spec: connectors({ minReplicas: 9 }),
    says: /connectors\.autoscaling\.minReplicas is above maxReplicas: lower minReplicas/,
  },
  {
    name: "connectors without headroom",
    spec: connectors({ connectionsPerPod: 801 }, { maxConnectionsPerPod: 1_000 }),
    says: /connectionsPerPod is above 80 % of connectors\.maxConnectionsPerPod: .*Lower it, or raise/,
  },
  {
    name: "targets of ours where another one scales",
    spec: connectors({ mode: "External", messagesPerSecondPerPod: 100 }),
    says: /mode is External: .*Leave out connectionsPerPod, messagesPerSecondPerPod/,
  },
  {
    name: "a pause of ours where another one scales",
    spec: connectors({ mode: "External", pauseScaleIn: true }),
    says: /mode is External: .*pauseScaleIn/,
  },
  {
    name: "router bounds the wrong way round",
    spec: { routers: { autoscaling: { minReplicas: 4, maxReplicas: 3 } } },
    says: /routers\.autoscaling\.minReplicas is above maxReplicas/,
  },
  {
    name: "more routers than partitions",
    spec: { partitions: 4, routers: { autoscaling: { maxReplicas: 5 } } },
    says: /routers\.autoscaling\.maxReplicas is above partitions: .*Lower it to partitions/,
  },
];

/** At the limits, where the rules above still hold. */
export const VALID_AUTOSCALING: readonly object[] = [
  connectors({ connectionsPerPod: 800, minReplicas: 8 }, { maxConnectionsPerPod: 1_000 }),
  connectors({ mode: "External" }),
  { partitions: 4, routers: { autoscaling: { maxReplicas: 4, inboxPerPod: 20 } } },
];
