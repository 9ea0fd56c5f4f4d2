import type { TestContext } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import { until } from "@jichat/testkit/until.ts";
import { canaryDeployment } from "../src/desired/canary.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { Observed } from "../src/observed.ts";
import type { CanaryVerdict } from "../src/scale/canary.ts";
import { CanaryWatch } from "../src/scale/canary-watch.ts";
import { talk } from "../src/talk/talk.ts";
import type { Way } from "../src/talk/way.ts";
import { inputOf } from "./input.ts";

export const PARTITIONS = 8;
const INPUT = inputOf({ partitions: PARTITIONS });
/** The address that the pod seems to have; a connector of the test is in its place. */
const OF_POD = "ws://10.0.0.7:8081/v1/ws";

const OBSERVED = new Observed([
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "chat-canary-1",
      namespace: "people",
      labels: canaryDeployment(INPUT).spec.template.metadata.labels,
    },
    status: { podIP: "10.0.0.7", conditions: [{ type: "Ready", status: "True" }] },
  } as unknown as KubeObject,
]);

/** What the canary at `url` comes to, beside the connector at `serving`. */
export async function judged(t: TestContext, serving: Way, url: string): Promise<CanaryVerdict> {
  const there = (way: Way): Way => (way.url === OF_POD ? { ...way, url } : way);
  const watch = new CanaryWatch({
    clock: systemClock,
    talk: async (plan, from, signal) => {
      const { other = plan, back = other } = plan;
      return talk(
        { ...plan, ...there(plan), other: there(other), back: there(back) },
        from,
        systemClock,
        signal,
      );
    },
  });
  t.after(() => {
    watch.stop();
  });
  const look = (): CanaryVerdict => watch.look("people/chat", INPUT, OBSERVED, serving);
  await until("the canary has proven itself or has failed", 60_000, () => look().state !== "proving");
  return look();
}
