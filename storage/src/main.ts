import { Kvm } from "@nats-io/kv";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { startAdmin } from "@jichat/runtime/admin.ts";
import { Leases } from "@jichat/log/leases.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { NatsBus } from "@jichat/runtime/nats-bus.ts";
import { tellLevel } from "@jichat/log/level.ts";
import { openCluster } from "@jichat/log/open-cluster.ts";
import { aborted, endBehind, shutdownSignal } from "@jichat/runtime/shutdown.ts";
import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import { connectClickHouse } from "./clickhouse.ts";
import { print, runCommand } from "./commands.ts";
import { runLevel } from "./level-command.ts";
import { readConfig } from "./config.ts";
import { migrate, migrateOnceThere } from "./migrations.ts";
import { redisHeads } from "./redis-heads.ts";
import { startStorage } from "./storage.ts";

/**
 * Limit of a query. The asker has given up by then (`storage-client.ts`). A server whose host is gone never
 * answers, and without a limit the query would hang until TCP gives up, even after the server is back.
 */
const QUERY_MS = 8_000;

const config = readConfig(process.env);
const command = process.argv.slice(2);
const telemetry = startTelemetry("storage", config, command.length === 0 ? 1 : 2);
const shutdown = shutdownSignal();
const names = namesOf(config.cluster);
if (command[0] === "migrate") {
  const store = await connectClickHouse(config, names.database);
  const applied = await migrateOnceThere(store, telemetry.log, shutdown);
  print({ database: names.database, applied });
  await store.close();
  process.exit(0);
}
const nats = await connectNats(config.natsUrl, config.instance, telemetry.log, config.natsTls);
const { jsm, partitions, level } = await openCluster(nats, names, config.log, {
  log: telemetry.log,
  signal: shutdown,
});
if (command[0] === "level") {
  const ok = await runLevel(command.slice(1), { nats, names, level });
  await nats.close();
  process.exit(ok ? 0 : 1);
}
const isServing = command.length === 0;
const store = await connectClickHouse(config, names.database, isServing ? { queryMs: QUERY_MS } : {});
if (command.length > 0) {
  await migrate(store);
  const heads = (): AsyncIterable<HeadEntry> => redisHeads(config, names, telemetry.log);
  const ok = await runCommand(command, { nats, jsm, names, store, partitions, heads });
  await store.close();
  await nats.close();
  process.exit(ok ? 0 : 1);
}
tellLevel(telemetry, level);
await migrateOnceThere(store, telemetry.log, shutdown);
if (config.embeddedPath !== undefined)
  telemetry.log.info("ClickHouse is embedded: this cluster can have no other storage");
const watermarks = await new Kvm(nats).open(names.watermarks);
const storage = startStorage({
  config,
  partitions,
  bus: new NatsBus(nats, telemetry.log),
  jsm,
  names,
  store,
  watermarks,
  telemetry,
});
const leases = await Leases.join(nats, names, {
  options: { role: "storage", me: config.instance, partitions, known: level.said.known },
  holder: storage.ownership,
  log: telemetry.log,
});
const admin = await startAdmin(config, telemetry, {
  notReady: () =>
    leases.held.size === 0 ? "this storage holds no partition yet" : storage.ownership.notReady(),
  partitions: () => leases.held,
  faults: () => storage.faults(),
  level: () => level.said,
});
telemetry.log.info({ partitions, admin: admin.port }, "storage is up");

await aborted(shutdown);

endBehind(config.drainMs, telemetry.log);
telemetry.log.info("storage drains");
await leases.leave(config.drainMs);
await storage.stop();
admin.stop();
await store.close();
await nats.drain();
await telemetry.stop();
process.exit(0);
