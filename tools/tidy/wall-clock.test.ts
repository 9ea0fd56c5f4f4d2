import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";

const WALL_CLOCK = /\bDate\.now\b|[cC]lock\.now\b|\bturn\.now\b|\bnew Date\(\)/g;

/**
 * Where the time of day is read, how often, and what for. It jumps, and hosts and devices differ in it: it says
 * when something was, and never how long something takes. That is `clock.monotonic()` or `performance.now()`.
 */
const READERS: Readonly<Record<string, readonly [times: number, what: string]>> = {
  "lib/edge/src/sync.ts": [1, "whether a mute has ended"],
  "lib/identity/src/accounts.ts": [1, "when an account was made"],
  "lib/identity/src/revocations.ts": [3, "when something was revoked, for all processes"],
  "lib/identity/src/tokens.ts": [1, "a token's end"],
  "lib/identity/src/user-names.ts": [1, "the age of a claim that nats-server dated"],
  "api/src/account-deletion.ts": [
    3,
    "when an account was deleted, and the credential's revision; ids; a note's age",
  ],
  "api/src/sessions.ts": [2, "a token's end; a credential's revision"],
  "api/src/credentials.ts": [2, "a credential's revision"],
  "api/src/routes/accounts.ts": [1, "when an account was made"],
  "api/src/routes/page-session.ts": [1, "the life of a cookie, by its token's end"],
  "api/src/routes/push.ts": [1, "when a device was registered"],
  "api/src/token-issuer.ts": [1, "a token's end"],
  "client/src/link.ts": [1, "the server's time, which tickets end by"],
  "client/src/chat-client.ts": [
    1,
    "the server's time, which ids are made of, and which applications ask for",
  ],
  "client/src/server-clock.ts": [1, "the device's, before the server has said its own"],
  "connector/src/handler.ts": [1, "serverTime"],
  "connector/src/delivery.ts": [1, "the age of what a gap stands for, compared with the time of events"],
  "connector/src/handshake.ts": [4, "serverTime; a ticket's life; when a device connected; a gap's age"],
  "connector/src/issue-ticket.ts": [1, "a ticket's life"],
  "connector/src/accepting.ts": [1, "since when a connector accepts, for others to compare"],
  "connector/src/drain.ts": [2, "since when it drains, and its deadline, for people and the operator"],
  "connector/src/main.ts": [2, "a certificate's end; when a connector was started, for others to compare"],
  "connector/src/others.ts": [1, "how long others have accepted"],
  "connector/src/plain-pong.ts": [2, "serverTime"],
  "connector/src/presence-keeper.ts": [1, "the age of what a gap stands for"],
  "connector/src/serve-deliveries.ts": [1, "from the append on another host to the socket"],
  "connector/src/sweep.ts": [1, "the end of tokens and tickets"],
  "connector/src/tls-door.ts": [1, "a certificate's end"],
  "connector/src/flush-scheduler.ts": [1, "serverTime"],
  "kubectl-chat/src/commands.ts": [1, "since when a drain is asked for"],
  "kubectl-chat/src/main.ts": [1, "a request to rebalance, which is another one each time"],
  "operator/src/kube/election.ts": [1, "renewTime of a Lease, for who reads it"],
  "operator/src/kube/events.ts": [1, "an Event's time"],
  "operator/src/operator.ts": [1, "a condition's lastTransitionTime, of last words"],
  "operator/src/reconcile.ts": [
    1,
    "a condition's lastTransitionTime; the deadline of a drain, for the next operator",
  ],
  "operator/src/scale/canary-watch.ts": [1, "the age of a pod, by the times of the API server"],
  "operator/src/talk/talk.ts": [2, "the end of a token and a ticket"],
  "operator/src/input-of.ts": [1, "when a key was replaced, and until when it checks"],
  "push/src/compose-push.ts": [
    2,
    "the end of a mute; for how long a push is worth delivering, by its message's ts",
  ],
  "push/src/judge.ts": [1, "a message's age, quiet hours, and the end of a mute"],
  "push/src/main.ts": [1, "the end of mutes, in Redis"],
  "push/src/providers/apns.ts": [2, "the end of a push; a Retry-After that is a date"],
  "push/src/providers/apns-token.ts": [1, "when a token was made"],
  "push/src/providers/fcm.ts": [1, "a Retry-After that is a date"],
  "push/src/providers/google-token.ts": [1, "when an assertion was made"],
  "push/src/providers/vapid-headers.ts": [1, "a token's end"],
  "push/src/providers/web-push.ts": [1, "a Retry-After that is a date"],
  "push/src/providers/webhook.ts": [2, "a signature's time; a Retry-After that is a date"],
  "push/src/resender.ts": [1, "a message's age"],
  "push/src/sender.ts": [2, "the delay since a message's ts; when a push was refused"],
  "router/src/cold-loads.ts": [1, "the age of ids, by what they say"],
  "router/src/partition.ts": [2, "a batch's ts and an event's; the age of ids"],
  "router/src/router.ts": [1, "a span's start"],
  "router/src/takeover.ts": [1, "an epoch record's ts"],
  "lib/protocol/src/clock.ts": [1, "the clock itself"],
  "lib/presence/src/presence.ts": [2, "the day on which a key was last kept"],
  "storage/src/careful-insert.ts": [1, "when a row was refused"],
  "storage/src/cold-rows.ts": [1, "the age of ids, by what they say"],
  "storage/src/start-generation.ts": [1, "a record's ts"],
  "storage/src/trimmer.ts": [1, "the age of batches, by their ts"],
  "web/src/dates.ts": [3, "whether a message is of today, or of this year; which day it is"],
};

test("the SDK waits by its clock alone, which stands still in a test until the test moves it", () => {
  const sources = globSync("client/src/**/*.ts", { cwd: ROOT }).filter((path) => !path.endsWith(".test.ts"));
  assert.ok(sources.length > 20);
  const RAW =
    /\b(?:set(?:Timeout|Interval|Immediate)|clear(?:Timeout|Interval)|performance\.now|AbortSignal\.timeout)\b/;
  assert.deepEqual(
    sources.filter((path) => RAW.test(readFileSync(join(ROOT, path), "utf8"))),
    [],
  );
});

test("no duration is measured with the wall clock", () => {
  const sources = globSync(
    "{lib/*,api,client,connector,kubectl-chat,operator,push,router,storage,web}/src/**/*.{ts,tsx}",
    { cwd: ROOT },
  ).filter((path) => !path.endsWith(".test.ts"));
  assert.ok(sources.length > 200);
  const found = sources.flatMap((path) => {
    const times = readFileSync(join(ROOT, path), "utf8").match(WALL_CLOCK)?.length ?? 0;
    return times === 0 ? [] : [[path, times] as const];
  });
  const allowed = Object.entries(READERS).map(([path, [times]]) => [path, times] as const);
  const byPath = (a: readonly [string, number], b: readonly [string, number]): number =>
    a[0] < b[0] ? -1 : 1;
  assert.deepEqual(found.toSorted(byPath), allowed.toSorted(byPath));
});
