import { KubeConfig } from "@kubernetes/client-node";
import { systemClock } from "@jichat/protocol/clock.ts";
import { startAdmin } from "@jichat/runtime/admin.ts";
import { shutdownSignal } from "@jichat/runtime/shutdown.ts";
import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import { askBackends } from "./ask-backends.ts";
import { askPods } from "./ask-pods.ts";
import { beforeUninstall } from "./before-uninstall.ts";
import { readConfig, readUninstallConfig } from "./config.ts";
import { runOperator } from "./operator.ts";
import { KubeApi } from "./kube/api.ts";
import { connectorAdmin } from "./scale/ask-connectors.ts";
import { rolloutJudges } from "./scale/rollout-judges.ts";
import { talk } from "./talk/talk.ts";

const kubeConfig = new KubeConfig();
try {
  kubeConfig.loadFromDefault();
} catch (cause) {
  throw new Error("configuration: KUBECONFIG cannot be read: name a file that kubectl takes, or unset it", {
    cause,
  });
}
if (process.argv[2] === "before-uninstall") {
  const api = new KubeApi(kubeConfig, "jichat-uninstall");
  const { ok, text } = await beforeUninstall(readUninstallConfig(process.env), api);
  process.stdout.write(text);
  process.exit(ok ? 0 : 1);
}
const config = readConfig(process.env);
const telemetry = startTelemetry("operator", { ...config, cluster: "operator", traceRatio: 0 });
const shutdown = shutdownSignal();
const api = new KubeApi(kubeConfig, "jichat-operator");
const operator = runOperator(
  {
    config,
    api,
    clock: systemClock,
    telemetry,
    talk,
    askPods,
    askBackends,
    connectors: connectorAdmin(),
    judges: rolloutJudges,
  },
  shutdown,
);
const admin = await startAdmin({ ...config, clusterKeys: [] }, telemetry, operator.health);
telemetry.log.info({ version: config.version, admin: admin.port }, "operator is up");

// A leader that lost its Lease must not write any more. The process ends, and restarts as a candidate.
const outcome = await operator.done;

admin.stop();
await telemetry.stop();
process.exit(outcome === "lost" ? 1 : 0);
