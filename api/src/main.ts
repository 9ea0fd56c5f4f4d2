import { Accounts, AccountProvisioner } from "@jichat/identity/accounts.ts";
import { openEdge } from "@jichat/edge/edge.ts";
import { Deletions } from "@jichat/identity/deletions.ts";
import { Existence } from "@jichat/identity/existence.ts";
import { People } from "@jichat/identity/people.ts";
import { memberBuckets as memberBucketsOf } from "@jichat/identity/people-config.ts";
import { PeopleKeeper } from "@jichat/identity/people-keeper.ts";
import { PushDevices } from "@jichat/identity/push-devices.ts";
import { PushOffers } from "@jichat/identity/push-offers.ts";
import { Revocations } from "@jichat/identity/revocations.ts";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import { loadKeys } from "@jichat/identity/token-keys.ts";
import { Tokens } from "@jichat/identity/tokens.ts";
import { UserNames } from "@jichat/identity/user-names.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { startAdmin } from "@jichat/runtime/admin.ts";
import { listenAddress } from "@jichat/runtime/listen-address.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { NatsBus } from "@jichat/runtime/nats-bus.ts";
import { Presence } from "@jichat/presence/presence.ts";
import { PushUsers } from "@jichat/presence/push-users.ts";
import { connectRedis } from "@jichat/presence/redis.ts";
import { RedisData } from "@jichat/presence/redis-data.ts";
import { openClock } from "@jichat/runtime/cluster-clock.ts";
import { tellLevel } from "@jichat/log/level.ts";
import { openCluster } from "@jichat/log/open-cluster.ts";
import { rereadFiles } from "@jichat/runtime/reread.ts";
import { aborted, endBehind, shutdownSignal } from "@jichat/runtime/shutdown.ts";
import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import { AccountDeletion } from "./account-deletion.ts";
import { boundConnections } from "./bound-connections.ts";
import { readConfig } from "./config.ts";
import { KnownAddresses } from "./known-addresses.ts";
import { NameIndex } from "./name-index.ts";
import { Passwords } from "./passwords.ts";
import { PushEndings } from "./push-endings.ts";
import { PushUsersKeeper } from "./push-users-keeper.ts";
import { buildServer } from "./server.ts";
import { openTokenIssuer } from "./token-issuer.ts";
import { UserIndex } from "./user-index.ts";

const BUCKET_SWEEP_MS = 10_000;
/**
 * Tries of the own password, to change it or to delete the account: ten at once, then one every five seconds.
 */
const PASSWORDS_PER_SECOND = 0.2;
const PASSWORDS_BURST = 10;
/** Registrations for push of a user, each of which writes to KV a few times. */
const PUSHES_PER_SECOND = 0.5;
const PUSHES_BURST = 20;

const config = readConfig(process.env);
const telemetry = startTelemetry("api", config);
const shutdown = shutdownSignal();
const loaded = loadKeys(config.tokens.keys);
const names = namesOf(config.cluster);
const nats = await connectNats(config.natsUrl, config.instance, telemetry.log, config.natsTls);
const cluster = await openCluster(nats, names, config.log, {
  log: telemetry.log,
  signal: shutdown,
});
tellLevel(telemetry, cluster.level);
const redis = connectRedis(config.redisUrl, { log: telemetry.log, tls: config.redisTls });
const redisData = new RedisData(redis, names, telemetry.log);
const presence = new Presence({ redis, data: redisData });
const ended = new AbortController();
const clock = await openClock({
  jsm: cluster.jsm,
  names,
  redis,
  telemetry,
  signal: ended.signal,
});
const issuer = await openTokenIssuer(config, clock);
const revocations = await Revocations.watch(nats, names, telemetry.log, clock);
const accounts = await Accounts.open(nats, names);
const people = await People.open(nats, names);
if (config.people.mustExist) {
  await people.watch(ended.signal, telemetry.log);
  const waitsForSignUp = config.signingKeyFile !== undefined;
  const { log } = telemetry;
  void new PeopleKeeper(accounts, people, {
    clock: systemClock,
    log,
    signal: ended.signal,
    waitsForSignUp,
  }).run();
} else await people.setComplete(false); // Connectors must then accept unknown names, too.
const retries = telemetry.counter("jichat_api_batch_retries", "batches of commands sent again");
const edge = openEdge({
  bus: new NatsBus(nats, telemetry.log),
  names,
  presence,
  cluster,
  clock,
  from: config.instance,
  onRetry: () => {
    retries.add(1);
  },
});
const existence = config.people.mustExist ? new Existence(people) : undefined;
// All tokens of a user are revoked when the account is deleted, after its name left the register.
revocations.onRevoked((user) => {
  if (user !== undefined) existence?.forget(user);
});
const index = new UserIndex(redis, redisData, accounts);
const nameIndex = new NameIndex(redis, redisData, accounts);
const pushDevices = await PushDevices.open(nats, names);
const pushUsers = new PushUsers(redisData);
void new PushUsersKeeper({
  clock: systemClock,
  pushDevices,
  pushUsers,
  presence,
  telemetry,
  instance: config.instance,
}).run(ended.signal);
const passwords = new Passwords();
const deletion = new AccountDeletion({
  clock,
  accounts,
  passwords,
  deletions: await Deletions.open(nats, names),
  people,
  index,
  nameIndex,
  revocations,
  pushDevices,
  ...edge,
  telemetry,
});
void deletion.run(ended.signal);
const userBuckets = new TokenBuckets(PASSWORDS_PER_SECOND, PASSWORDS_BURST);
const requestBuckets = new TokenBuckets(config.requestsPerSecond);
const pushBuckets = new TokenBuckets(PUSHES_PER_SECOND, PUSHES_BURST);
const memberBuckets = memberBucketsOf(config.people);
const app = await buildServer({
  config,
  telemetry,
  level: cluster.level,
  clock,
  accounts,
  userNames: await UserNames.open(nats, names, config.reservedUsers, clock),
  firstSight: new AccountProvisioner(accounts, clock),
  people,
  existence,
  index,
  nameIndex,
  passwords,
  deletion,
  presence,
  issueToken: issuer.issueToken,
  tokens: new Tokens(config.tokens, loaded.keys, revocations, clock),
  revocations,
  pushDevices,
  pushOffers: await PushOffers.open(nats, names),
  pushUsers,
  pushes: new PushEndings({ pushDevices, presence, telemetry }),
  pushBuckets,
  ...edge,
  redis,
  knownAddresses: new KnownAddresses(redis, config.cluster, telemetry.log),
  userBuckets,
  requestBuckets,
  memberBuckets,
});
void rereadFiles([...loaded.reread, ...issuer.reread], { telemetry, signal: ended.signal });
const sweeping = setInterval(() => {
  for (const buckets of [userBuckets, requestBuckets, pushBuckets, memberBuckets])
    buckets.sweep(systemClock.monotonic());
}, BUCKET_SWEEP_MS);
const cut = telemetry.counter(
  "jichat_api_connections_cut",
  "connections closed on arrival, since there were too many",
);
boundConnections(app.server, config.trustProxy, config.connectionsPerAddressMax, () => {
  cut.add(1);
});
await app.listen({ host: await listenAddress(config.host), port: config.port });
const admin = await startAdmin(config, telemetry, {
  notReady: () =>
    nats.isClosed()
      ? "NATS connection is closed"
      : revocations.loaded
        ? undefined
        : "the list of revoked tokens cannot be read at the moment",
  level: () => cluster.level.said,
});
telemetry.log.info({ port: config.port, admin: admin.port }, "api is up");

await aborted(shutdown);

endBehind(0, telemetry.log);
await app.close();
ended.abort();
clearInterval(sweeping);
redis.disconnect();
admin.stop();
await nats.drain();
await telemetry.stop();
process.exit(0);
