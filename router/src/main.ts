import { systemClock } from "@jichat/protocol/clock.ts";
import { LoadMeter } from "@jichat/runtime/load.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { NatsBus } from "@jichat/runtime/nats-bus.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { Leases } from "@jichat/log/leases.ts";
import { Presence } from "@jichat/presence/presence.ts";
import { connectRedis } from "@jichat/presence/redis.ts";
import { RedisData } from "@jichat/presence/redis-data.ts";
import { openClock } from "@jichat/runtime/cluster-clock.ts";
import { tellLevel } from "@jichat/log/level.ts";
import { openCluster } from "@jichat/log/open-cluster.ts";
import { startAdmin } from "@jichat/runtime/admin.ts";
import { aborted, endBehind, shutdownSignal } from "@jichat/runtime/shutdown.ts";
import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import { readConfig } from "./config.ts";
import { loadGauges } from "./load-gauges.ts";
import { Router } from "./router.ts";
import { Snapshots } from "@jichat/log/snapshots.ts";

const config = readConfig(process.env);
const telemetry = startTelemetry("router", config);
const shutdown = shutdownSignal();
const names = namesOf(config.cluster);
const nats = await connectNats(config.natsUrl, config.instance, telemetry.log, config.natsTls);
const { jsm, partitions, level } = await openCluster(nats, names, config.log, {
  log: telemetry.log,
  signal: shutdown,
});
tellLevel(telemetry, level);
const redis = connectRedis(config.redisUrl, { log: telemetry.log, tls: config.redisTls });
const presence = new Presence({ redis, data: new RedisData(redis, names, telemetry.log) });
const ended = new AbortController();
const clock = await openClock({ jsm, names, redis, telemetry, signal: ended.signal });
const snapshots = await Snapshots.open(nats, names);
const router = new Router({
  config,
  names,
  bus: new NatsBus(nats, telemetry.log),
  nats,
  jsm,
  presence,
  snapshots,
  telemetry,
  clock,
  partitions,
  clusterLevel: () => level.current,
});
await router.start();
const meter = new LoadMeter(systemClock);
loadGauges(telemetry, meter, router);
meter.start(ended.signal);
const leases = await Leases.join(nats, names, {
  options: { role: "router", me: config.instance, partitions, known: level.said.known },
  holder: router,
  log: telemetry.log,
});
const admin = await startAdmin(config, telemetry, {
  notReady: () => router.notReady(leases.held),
  notLive: () => router.notLive(),
  partitions: () => leases.held,
  faults: () => router.faults(),
  level: () => level.said,
});
telemetry.log.info({ partitions, admin: admin.port }, "router is up");

await aborted(shutdown);

telemetry.log.info("router drains");
endBehind(config.drainMs, telemetry.log);
await leases.leave(config.drainMs);
await router.stop();
ended.abort();
redis.disconnect();
admin.stop();
await nats.drain();
await telemetry.stop();
process.exit(0);
