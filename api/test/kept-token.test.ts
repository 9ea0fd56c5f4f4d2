import assert from "node:assert/strict";
import { test } from "node:test";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { Accounts, hashPassword } from "@jichat/identity/accounts.ts";
import { Revocations } from "@jichat/identity/revocations.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import { until } from "@jichat/testkit/until.ts";
import pino from "pino";
import { changePassword, signIn } from "../src/credentials.ts";
import { Passwords } from "../src/passwords.ts";
import { endAllSessions } from "../src/sessions.ts";

const names = namesOf("kept");
const PASSWORD = "correct horse";

test(
  "two apis on one KV: all tokens end but the kept one, a stop half-way leaves nothing behind, and CONFLICT is told",
  { timeout: 120_000 },
  async (t) => {
    const nats = await startNatsServers(1);
    t.after(async () => nats.destroy());
    const open = async () => {
      const connection = await connect({ servers: [...nats.urls] });
      t.after(() => connection.close());
      for (const bucket of [names.accounts, names.revocations]) await new Kvm(connection).create(bucket);
      return {
        clock: systemClock,
        accounts: await Accounts.open(connection, names),
        revocations: await Revocations.watch(connection, names, pino({ level: "silent" }), systemClock),
        passwords: new Passwords(),
        presence: { devices: async () => [] },
        issueToken: async (_: string, revision: number) => ({ token: String(revision), expiresAt: 0 }),
      };
    };
    const [first, second] = [await open(), await open()];
    await first.accounts.create("ann", { v: 1, createdAt: 0, password: await hashPassword(PASSWORD) });
    const identity = (tokenId: string, revision: number) => ({
      user: "ann",
      tokenId,
      revision,
      issuedAt: 1_000,
      expiresAt: Number.MAX_SAFE_INTEGER,
    });
    const [kept, other] = [identity("kept", 0), identity("other", 0)];
    const heard = async (what: string, look: () => boolean): Promise<void> => {
      await until(what, 5_000, look, 10);
    };

    await second.revocations.endDevice("ann", "phone");
    await heard("the ended device", () => first.revocations.isRevoked(kept, "phone"));
    assert.equal(first.revocations.isRevoked(kept), false);
    await endAllSessions(first, kept, true);
    await heard("the end of all others", () => second.revocations.isRevoked(other));
    for (const { revocations } of [first, second]) {
      assert.equal(revocations.isRevoked(kept, "laptop"), false);
      assert.equal(revocations.isRevoked(kept, "phone"), true, "ended after the kept token was issued");
      assert.throws(() => revocations.refuse(other), { code: "UNAUTHENTICATED" });
    }
    const anew = await signIn(second, "ann", PASSWORD);
    assert.ok(anew !== undefined && !second.revocations.isRevoked(identity("anew", Number(anew.token))));

    // Kept for a revocation that never came: the process ended. The next revision is above it.
    const ahead = Date.now() + 60_000;
    await first.revocations.keepToken(kept, ahead);
    const changed = await changePassword(
      second,
      "ann",
      { old: PASSWORD, wanted: "battery staple" },
      async (end) => end(),
    );
    assert.ok(Number(changed.token) > ahead);
    await heard("the change", () => first.revocations.isRevoked(kept));
    await heard("the change", () => second.revocations.isRevoked(kept));

    const both = await Promise.allSettled([first, second].map((api) => endAllSessions(api, kept, false)));
    const codes = both.map((one) =>
      one.status === "fulfilled" ? "ended" : (one.reason as { code: string }).code,
    );
    assert.ok(codes.includes("ended"), codes.join());
    assert.ok(
      codes.every((code) => code === "ended" || code === "CONFLICT"),
      codes.join(),
    );
    await heard("the end of all", () =>
      second.revocations.isRevoked(identity("changed", Number(changed.token))),
    );
    // Those who were ended one by one are forgotten, since nothing of theirs is left.
    const late = { ...identity("late", Number.MAX_SAFE_INTEGER), issuedAt: 0 };
    await heard("the ended device is forgotten", () => !second.revocations.isRevoked(late, "phone"));
  },
);
