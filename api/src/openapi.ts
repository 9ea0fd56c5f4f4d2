import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import { buildServer } from "./server.ts";
import type { World } from "./world.ts";

/** What `/v1/openapi.json` says, without anything that runs: the routes are described and never called. */
export async function openApi<T>(): Promise<T> {
  const telemetry = startTelemetry("api", {
    cluster: "none",
    instance: "none",
    logLevel: "error",
    otlpEndpoint: undefined,
    traceRatio: 0,
  });
  const world = { config: { wsUrls: [], trustProxy: false }, telemetry };
  const app = await buildServer(world as unknown as World);
  await app.ready();
  const described = app.swagger() as T;
  await app.close();
  return described;
}
