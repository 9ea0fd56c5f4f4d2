import type { TemplatedApp, us_listen_socket } from "uWebSockets.js";
import { Connections } from "@jichat/edge/connections.ts";
import { openEdge } from "@jichat/edge/edge.ts";
import { Existence } from "@jichat/identity/existence.ts";
import { People } from "@jichat/identity/people.ts";
import { memberBuckets } from "@jichat/identity/people-config.ts";
import { Revocations } from "@jichat/identity/revocations.ts";
import { Tickets } from "@jichat/identity/tickets.ts";
import { loadKeys } from "@jichat/identity/token-keys.ts";
import { Tokens } from "@jichat/identity/tokens.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { startAdmin } from "@jichat/runtime/admin.ts";
import { CurrentClusterKeys } from "@jichat/identity/cluster-keys.ts";
import { listenAddress } from "@jichat/runtime/listen-address.ts";
import { LoadMeter } from "@jichat/runtime/load.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { NatsBus } from "@jichat/runtime/nats-bus.ts";
import { connectionsMax } from "@jichat/runtime/descriptors.ts";
import { Presence } from "@jichat/presence/presence.ts";
import { connectRedis } from "@jichat/presence/redis.ts";
import { RedisData } from "@jichat/presence/redis-data.ts";
import { openClock } from "@jichat/runtime/cluster-clock.ts";
import { tellLevel } from "@jichat/log/level.ts";
import { openCluster } from "@jichat/log/open-cluster.ts";
import { rereadFiles } from "@jichat/runtime/reread.ts";
import { aborted, endBehind, shutdownSignal } from "@jichat/runtime/shutdown.ts";
import { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import { announcementText } from "@jichat/presence/announcement.ts";
import { Accepting } from "./accepting.ts";
import { AddressBudget } from "./address-budget.ts";
import { arrivalGauges } from "./arrival-gauges.ts";
import { ArrivalGate } from "./arrival-gate.ts";
import { Admission } from "./admission.ts";
import { intakeLimitsOf, readConfig } from "./config.ts";
import { Deliveries } from "./delivery.ts";
import { DirectConversations } from "./direct-conversations.ts";
import { Drain } from "./drain.ts";
import { drainGauges, drainOrders } from "./drain-orders.ts";
import { FrameHandler } from "./handler.ts";
import { Hub } from "./hub.ts";
import { loadGauges } from "./load-gauges.ts";
import { connectorMetrics } from "./metrics.ts";
import { Others } from "./others.ts";
import { PresenceKeeper } from "./presence-keeper.ts";
import { ReportOutbox } from "./report-outbox.ts";
import { route, socketBehavior } from "./socket.ts";
import { serveActivity } from "./serve-activity.ts";
import { serveDeliveries } from "./serve-deliveries.ts";
import { serveReplacements } from "./serve-replacements.ts";
import { Shed } from "./shed.ts";
import { startSweeps } from "./sweep.ts";
import { FlushScheduler } from "./flush-scheduler.ts";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import { TlsDoor } from "./tls-door.ts";
import { loadUws } from "./uws.ts";

/** How long a connector that stops tries to hand over its last reports. */
const REPORTS_FLUSH_MS = 3_000;

const uws = loadUws();
const config = readConfig(process.env);
const telemetry = startTelemetry("connector", config);
const shutdown = shutdownSignal();
const loaded = loadKeys(config.tokens.keys);
const names = namesOf(config.cluster);
const nats = await connectNats(config.natsUrl, config.instance, telemetry.log, config.natsTls);
const cluster = await openCluster(nats, names, config.log, {
  log: telemetry.log,
  signal: shutdown,
});
tellLevel(telemetry, cluster.level);
const redis = connectRedis(config.redisUrl, {
  log: telemetry.log,
  tls: config.redisTls,
  isGathered: true,
});
const presence = new Presence({
  redis,
  data: new RedisData(redis, names, telemetry.log),
  devicesMax: config.devicesPerUserMax,
});
const ended = new AbortController();
const { signal } = ended;
const clock = await openClock({ jsm: cluster.jsm, names, redis, telemetry, signal });
const revocations = await Revocations.watch(nats, names, telemetry.log, clock);
const people = config.people.mustExist ? await People.open(nats, names) : undefined;
await people?.watch(signal, telemetry.log);
const existence = people === undefined ? undefined : new Existence(people);
// All tokens of a user are revoked when the account is deleted, after its name left the register.
revocations.onRevoked((user) => {
  if (user !== undefined) existence?.forget(user);
});
const hub = new Hub();
const metrics = connectorMetrics(telemetry, hub, () => edge.lanes.waiting);
const bus = new NatsBus(nats, telemetry.log);
const edge = openEdge({
  bus,
  names,
  presence,
  cluster,
  clock,
  from: config.instance,
  onRetry: () => {
    metrics.countRetry();
  },
});
const tickets = new Tickets(config.clusterKeys, config.ticketLifeMs);
const clusterKeys = new CurrentClusterKeys(config, (now) => {
  tickets.takeKeys(now);
});
tickets.takeKeys(clusterKeys.all);
const own = { connector: config.instance, revision: config.revision, startedAt: Math.round(clock.now()) };
const others = new Others({ presence, own, clock, telemetry, time: systemClock });
let isListening = false;
const notReady = (): string | undefined => {
  if (!drain.isReady) return "draining";
  if (!isListening) return "starting";
  return revocations.loaded ? undefined : "the list of revoked tokens cannot be read at the moment";
};
const accepting = new Accepting(
  clock,
  () => config.takesDevices && drain.state === "none" && notReady() === undefined,
);
const arrivals = new ArrivalGate({ time: systemClock, countRefused: metrics.countLater });
const parts = {
  config,
  arrivals,
  others,
  time: systemClock,
  says: () =>
    announcementText({
      revision: own.revision,
      startedAt: own.startedAt,
      acceptsSince: accepting.since(),
      sockets: hub.size,
      socketsMax: config.socketsMax,
    }),
  onChange: () => void keeper.tell(),
  names,
  bus,
  presence,
  telemetry,
  metrics,
  hub,
  level: cluster.level,
  clock,
  turn: new FlushScheduler(setImmediate, clock),
  directs: new DirectConversations(),
  admission: new Admission(existence),
  wakeful: new WakefulClock(systemClock),
  revocations,
  ...edge,
  tokens: new Tokens(config.tokens, loaded.keys, revocations, clock),
  tickets,
  messageBuckets: new TokenBuckets(config.messagesPerSecond),
  byteBuckets: new TokenBuckets(config.bytesPerSecond),
  connections: new Connections({
    perAddressMax: config.connectionsPerAddressMax,
    totalMax: connectionsMax(),
  }),
  intakeLimits: intakeLimitsOf(config),
  addressBudget:
    config.framesPerSecondPerAddress === 0
      ? undefined
      : new AddressBudget(new TokenBuckets(config.framesPerSecondPerAddress)),
  memberBuckets: memberBuckets(config.people),
  handshakeBuckets: new TokenBuckets(config.handshakesPerSecond),
};
void parts.wakeful.run(signal);
const stopDeliveries = serveDeliveries({ ...parts, deliveries: new Deliveries(hub, clock) });
const stopReplacements = serveReplacements(parts);
const stopActivity = serveActivity(parts);
const reports = new ReportOutbox({
  js: cluster.jsm.jetstream(),
  names,
  partitions: cluster.partitions,
  clock: systemClock,
  metrics,
  telemetry,
});
const drain = new Drain(parts);
const shed = new Shed({ ...parts, drain });
const keeper = new PresenceKeeper(parts);
void keeper.run();
const stopSweeps = startSweeps(parts);
const behavior = socketBehavior({ ...parts, drain, reports, handler: new FrameHandler(parts) });
const routed = (app: TemplatedApp): TemplatedApp => route(app, parts, behavior);
const tlsDoor = config.tls === undefined ? undefined : new TlsDoor(uws, config.tls, routed);
const app = tlsDoor?.listener ?? routed(uws.App());
const host = await listenAddress(config.host);
const listening = await new Promise<us_listen_socket | false>((resolve) => {
  app.listen(host, config.port, resolve);
});
if (listening === false) throw new Error(`cannot listen on ${host}, port ${config.port}: is it in use?`);
isListening = true;
void keeper.tell();
drainGauges(telemetry, drain, shed);
arrivalGauges(telemetry, arrivals);
const meter = new LoadMeter(systemClock);
loadGauges(telemetry, meter, metrics);
meter.start(signal);
telemetry.gauge(
  "jichat_connector_reports_waiting",
  "reports of half-open connections that the push queue has not stored yet",
  () => reports.size,
);
telemetry.gauge(
  "jichat_connector_certificate_expires_seconds",
  "seconds until the certificate that new connections get expires; NaN where TLS ends elsewhere",
  () => tlsDoor?.expiresInSeconds(systemClock.now()) ?? Number.NaN,
);
const reread = [...loaded.reread, ...clusterKeys.reread, ...(tlsDoor === undefined ? [] : [tlsDoor.reread])];
void rereadFiles(reread, { telemetry, signal: ended.signal });
const admin = await startAdmin(config, telemetry, {
  notReady,
  level: () => cluster.level.said,
  clusterKeys: () => clusterKeys.all,
  ...drainOrders(config, drain, shed),
});
telemetry.log.info({ port: uws.us_socket_local_port(listening), admin: admin.port }, "connector is up");

await aborted(shutdown);

endBehind(config.drainMs, telemetry.log);
await drain.stop({ drainMs: config.drainMs, perSecond: config.drainPerSecond }, config.successorWaitMs);
await drain.finish();
uws.us_listen_socket_close(listening);
stopSweeps();
ended.abort();
await keeper.stop();
stopDeliveries();
stopReplacements();
stopActivity();
const unreported = await reports.flush(REPORTS_FLUSH_MS);
if (unreported > 0)
  telemetry.log.warn({ unreported }, "reports of half-open connections have not reached the push queue");
redis.disconnect();
admin.stop();
await nats.drain();
await telemetry.stop();
process.exit(0);
