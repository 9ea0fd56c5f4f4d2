import assert from "node:assert/strict";
import { test } from "node:test";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { Accounts, hashPassword } from "@jichat/identity/accounts.ts";
import { Revocations } from "@jichat/identity/revocations.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { asChatError } from "@jichat/protocol/errors.ts";
import pino from "pino";
import { changePassword, signIn } from "../src/credentials.ts";
import { Passwords } from "../src/passwords.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";

const OLD = "correct horse";
const names = namesOf("race");

test(
  "one of two password changes on two apis wins, and no earlier revision stays valid",
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
        // The revision is all that counts here.
        issueToken: async (_: string, revision: number) => ({ token: String(revision), expiresAt: 0 }),
      };
    };
    const apis = [await open(), await open()] as const;
    const lives = ({ token }: { token: string }, user: string): boolean =>
      !apis[0].revocations.isRevoked({ user, tokenId: "t", issuedAt: Date.now(), revision: Number(token) });

    await apis[0].accounts.create("ann", { v: 1, createdAt: 0, password: await hashPassword(OLD) });
    for (let round = 0; round < 3; round += 1) {
      const old = round === 0 ? OLD : `battery ${round - 1}`;
      const racing = Array.from({ length: 12 }, async (_, i) => {
        await new Promise((resolve) => setTimeout(resolve, 40 * i));
        return signIn(apis[i % 2 === 0 ? 0 : 1], "ann", old);
      });
      const changes = apis.map((api) =>
        changePassword(api, "ann", { old, wanted: `battery ${round}` }, async (end) => end()),
      );
      const changed = await Promise.allSettled(changes);
      const signedIn = await Promise.all(racing);
      const [won, more] = changed.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      const lost = changed.flatMap((one) =>
        one.status === "rejected" ? [asChatError(one.reason).code] : [],
      );
      assert.ok(won !== undefined && more === undefined, "one change wins");
      assert.ok(lost.length === 1 && ["CONFLICT", "FORBIDDEN"].includes(lost[0] ?? ""), String(lost));
      await new Promise((resolve) => setTimeout(resolve, 200)); // The watch is a blink behind.
      const alive = signedIn.filter((token) => token !== undefined && lives(token, "ann"));
      assert.deepEqual(alive, [], "a token of the old password lives");
      assert.ok(lives(won, "ann"));
      const anew = await signIn(apis[1], "ann", `battery ${round}`);
      assert.ok(anew !== undefined && lives(anew, "ann"));
    }

    // A change whose api ended before it could revoke: the next sign-in does it.
    const next = Date.now() + 1;
    await apis[0].accounts.update("ann", (account) => ({ ...account, credentialRevision: next }));
    assert.ok(lives({ token: String(next - 1) }, "ann"));
    await signIn(apis[0], "ann", "battery 2");
    assert.equal(lives({ token: String(next - 1) }, "ann"), false);
    // Whoever is late with a lower one brings nothing back.
    await apis[1].revocations.revokeUser("ann", next - 1);
    assert.equal(await apis[1].revocations.readLeastOf("ann"), next);
  },
);
