import { Type } from "typebox";
import { rules, word } from "./kinds.ts";

const optional = Type.Optional;

/**
 * The share of `maxConnectionsPerPod`, in per cent, that a connector shall carry: the most that may be said,
 * and what is meant where nothing is. The rest is room for devices of another one that drains or dies.
 */
export const HEADROOM = { most: 80, usual: 70 } as const;

/** The fields that both have. Names are those of a HorizontalPodAutoscaler where it has them. */
const bounds = (most: number) => ({
  minReplicas: Type.Integer({ minimum: 1, maximum: most, default: 2, description: "never fewer pods" }),
  maxReplicas: Type.Integer({ minimum: 1, maximum: most, description: "never more pods" }),
  stabilizationWindowSeconds: Type.Integer({
    minimum: 0,
    maximum: 3_600,
    default: 300,
    description: "fewer pods have to be enough for this long before there are fewer",
  }),
  pauseScaleIn: Type.Boolean({ default: false, description: "fewer pods are not taken meanwhile" }),
  pauseScaleOut: Type.Boolean({ default: false, description: "more pods are not taken meanwhile" }),
});

const ordered = (path: string) => ({
  rule: "self.minReplicas <= self.maxReplicas",
  message: `${path}.minReplicas is above maxReplicas: lower minReplicas, or raise maxReplicas`,
});

export const connectorAutoscaling = Type.Object(
  {
    mode: word(["Connections", "External"], {
      default: "Connections",
      description:
        "`Connections`: the operator chooses the number, and `replicas` is where it starts; `External`: a HorizontalPodAutoscaler or KEDA writes `replicas` through the scale subresource",
    }),
    ...bounds(1_000),
    connectionsPerPod: optional(
      Type.Integer({
        minimum: 10,
        maximum: 1_000_000,
        description: `sockets that one pod shall carry; default: ${HEADROOM.usual} % of \`maxConnectionsPerPod\``,
      }),
    ),
    messagesPerSecondPerPod: optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000_000,
        description: "frames from and to devices that one pod shall carry in a second, on average over 30 s",
      }),
    ),
    eventLoopLagMs: optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: "one more pod where an event loop is late by more, on average over 30 s",
      }),
    ),
  },
  {
    description: "how many connectors there are, by load",
    ...rules(ordered("connectors.autoscaling"), {
      rule: "self.mode == 'Connections' || !(self.pauseScaleIn || self.pauseScaleOut || has(self.connectionsPerPod) || has(self.messagesPerSecondPerPod) || has(self.eventLoopLagMs))",
      message:
        "connectors.autoscaling.mode is External: whoever writes connectors.replicas has targets and pauses of its own. Leave out connectionsPerPod, messagesPerSecondPerPod, eventLoopLagMs, pauseScaleIn and pauseScaleOut",
    }),
  },
);

export const routerAutoscaling = Type.Object(
  {
    ...bounds(64),
    cpuMillicoresPerPod: Type.Integer({
      minimum: 50,
      maximum: 4_000,
      default: 700,
      description: "thousandths of a core that one pod shall use, on average over 30 s",
    }),
    inboxPerPod: optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        description: "one more pod where more requests wait for an append, on average over 30 s",
      }),
    ),
  },
  {
    description:
      "how many routers there are, by load; no more than `partitions`. `replicas` is where it starts",
    ...rules(ordered("routers.autoscaling")),
  },
);

export const headroomRule = {
  rule: `!has(self.autoscaling) || !has(self.autoscaling.connectionsPerPod) || self.autoscaling.connectionsPerPod * 100 <= self.maxConnectionsPerPod * ${HEADROOM.most}`,
  message: `connectors.autoscaling.connectionsPerPod is above ${HEADROOM.most} % of connectors.maxConnectionsPerPod: connectors need room for the devices of one that drains or dies. Lower it, or raise maxConnectionsPerPod`,
} as const;

export const partitionsRule = {
  rule: "!has(self.routers.autoscaling) || self.routers.autoscaling.maxReplicas <= self.partitions",
  message:
    "routers.autoscaling.maxReplicas is above partitions: a router without a partition does nothing. Lower it to partitions",
} as const;
