import { namesOf } from "@jichat/protocol/bus/names.ts";
import { Leases } from "@jichat/log/leases.ts";
import { tellLevel } from "@jichat/log/level.ts";
import { StorageClient } from "@jichat/log/storage-client.ts";
import { PartitionLog } from "@jichat/log/partition-log.ts";
import { openCluster } from "@jichat/log/open-cluster.ts";
import { Presence } from "@jichat/presence/presence.ts";
import { PushNotes } from "@jichat/presence/push-facts.ts";
import { connectRedis } from "@jichat/presence/redis.ts";
import { RedisData } from "@jichat/presence/redis-data.ts";
import { startAdmin } from "@jichat/runtime/admin.ts";
import { openClock } from "@jichat/runtime/cluster-clock.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { NatsBus } from "@jichat/runtime/nats-bus.ts";
import { rereadFiles } from "@jichat/runtime/reread.ts";
import { aborted, endBehind, shutdownSignal } from "@jichat/runtime/shutdown.ts";
import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import { readConfig } from "./config.ts";
import { PushProviders, credentialFaults } from "./credentials.ts";
import { deadLettersIn } from "./dead-stream.ts";
import { openDisplayNames } from "./display-names.ts";
import { LaterBucket } from "./later-bucket.ts";
import { offerTeller } from "./offer.ts";
import { openRegistrations } from "./open-registrations.ts";
import { PushService } from "./push-service.ts";
import { QueueReader } from "./queue-reader.ts";
import { sparing } from "./sparing-log.ts";
import { StandingsOfStorage } from "./stored-standings.ts";
import { TextsOfStorage } from "./stored-texts.ts";
import { Languages } from "./templates/languages.ts";
import { notificationText } from "./templates/notification-text.ts";
import { readTemplates } from "./templates/read-templates.ts";

const config = readConfig(process.env);
const telemetry = startTelemetry("push", config);
const { log } = telemetry;
const shutdown = shutdownSignal();
const names = namesOf(config.cluster);
const nats = await connectNats(config.natsUrl, config.instance, log, config.natsTls);
const { jsm, partitions, level } = await openCluster(nats, names, config.log, { log, signal: shutdown });
tellLevel(telemetry, level);
const redis = connectRedis(config.redisUrl, { log, tls: config.redisTls, isGathered: true });
const data = new RedisData(redis, names, log);
const ended = new AbortController();
const { signal } = ended;
const clock = await openClock({ jsm, names, redis, telemetry, signal });
const providers = new PushProviders({
  folder: config.folder,
  allowed: config.allowedAddresses,
  clock,
  onChange: () => {
    offer.tell();
  },
});
for (const fault of providers.faults)
  log.error({ fault }, "a provider is off: its credentials cannot be used");
const offer = offerTeller({ nats, names, clock, log, read: () => providers.offer, signal });
const { languages, faults: brokenTemplates } =
  config.templates === undefined
    ? { languages: new Languages(), faults: [] }
    : readTemplates(config.templates);
for (const fault of brokenTemplates) log.error({ fault }, "a template of notifications cannot be used");
const bus = new NatsBus(nats, log);
const storage = new StorageClient({ bus, names, clock });
const service = new PushService({
  config,
  names,
  bus,
  clock,
  telemetry,
  partitions,
  queue: new QueueReader({ jsm, names, clock }),
  notes: new PushNotes(data, () => clock.now()),
  stored: new StandingsOfStorage({ storage, partitions, data, clock, log }),
  storedTexts: new TextsOfStorage({
    storage,
    endOf: async (partition) => (await new PartitionLog(jsm, names, partition).state()).end,
    partitions,
    clock,
    log,
  }),
  lists: new Presence({ redis, data }),
  registrations: await openRegistrations({ nats, names, clock, log: sparing(log, clock), signal }),
  displayNames: await openDisplayNames({ nats, names, clock, log: sparing(log, clock) }),
  providers,
  later: await LaterBucket.open(nats, jsm, names),
  dead: deadLettersIn(jsm.jetstream(), names),
  texts: (told) => notificationText(languages, told),
});
service.start();
void offer.run();
void rereadFiles(providers.rereads, { telemetry, signal });
const leases = await Leases.join(nats, names, {
  options: { role: "push", me: config.instance, partitions, known: level.said.known },
  holder: service.partitions,
  log,
});
const notReady = (): string | undefined => {
  if (nats.isClosed()) return "the connection to NATS is closed";
  if (data.name === "") return "Redis is not reachable";
  if (leases.held.size === 0) return "this worker holds no partition yet";
  const { unheard } = service.partitions;
  return unheard.length === 0 ? undefined : `the push queue of partitions ${unheard.join(", ")} is not read`;
};
const admin = await startAdmin(config, telemetry, {
  notReady,
  partitions: () => leases.held,
  faults: () => credentialFaults(providers.faults),
  level: () => level.said,
});
log.info({ partitions, admin: admin.port }, "push is up");

await aborted(shutdown);

log.info("push drains");
endBehind(config.drainMs, log);
await leases.leave(config.drainMs);
service.stop();
ended.abort(new Error("stopped"));
providers.close();
redis.disconnect();
admin.stop();
await nats.drain();
await telemetry.stop();
process.exit(0);
