import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account } from "@jichat/protocol/bus/account.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import pino from "pino";
import type { DeletionParts } from "./account-deletion.ts";
import { AccountDeletion } from "./account-deletion.ts";
import { Passwords } from "./passwords.ts";

const NOW = 1_800_000_000_000;
const GROUPS = ["g_1", "g_2", "g_3"];

/** Everything that a deletion changes, in memory. The process "ends" at the change with number `endsAt`. */
class World {
  account: Account | undefined = { v: 1, createdAt: 1, name: "Ann", password: "secret-secret" };
  notes = new Map<string, number>();
  exists = true;
  isIndexed = true;
  devices = 2;
  least = 0;
  groups = new Set(GROUPS);
  now = NOW;
  changes: string[] = [];
  endsAt = Infinity;
  #revision = 0;

  change(what: string, act: () => void): void {
    if (this.changes.length + 1 === this.endsAt) {
      this.endsAt = Infinity;
      throw new ChatError("UNAVAILABLE", "the process ended here");
    }
    this.changes.push(what);
    act();
  }

  parts(): DeletionParts {
    const hashed = { hash: async (text: string) => text, matches: async (a: string, b: string) => a === b };
    return {
      clock: { now: () => this.now },
      passwords: new Passwords(hashed),
      accounts: {
        get: async () => (this.account === undefined ? undefined : { account: this.account, revision: 1 }),
        update: async (_, change) => {
          const { account } = this;
          if (account === undefined) throw new ChatError("NOT_FOUND", "no such user");
          const changed = change(account);
          this.change("tombstone", () => (this.account = changed));
          return changed;
        },
      },
      deletions: {
        begin: async (user) => {
          this.#revision += 1;
          this.change("note", () => this.notes.set(user, this.#revision));
        },
        begun: async function* (this: World) {
          for (const [user, revision] of this.notes) yield { user, revision, begunAt: NOW };
        }.bind(this) as DeletionParts["deletions"]["begun"],
        close: async ({ user, revision }) => {
          if (this.notes.get(user) === revision) this.change("close", () => this.notes.delete(user));
        },
      },
      people: { remove: async () => this.change("people", () => (this.exists = false)) },
      index: { remove: async () => this.change("index", () => (this.isIndexed = false)) },
      nameIndex: { remove: async () => undefined },
      revocations: {
        readLeastOf: async () => this.least,
        revokeUser: async (_, revision) =>
          this.change("revoke", () => (this.least = Math.max(this.least, revision))),
      },
      pushDevices: {
        removeAll: async () => {
          if (this.devices > 0) this.change("pushes", () => (this.devices = 0));
          return true;
        },
      },
      syncs: {
        page: async () => ({
          conversations: [...this.groups, "d_1"].map((conversation) => ({
            conversation,
            kind: conversation.startsWith("g") ? ("group" as const) : ("direct" as const),
            first: 1,
            head: 1,
            read: 1,
            unread: 0,
          })),
          cursor: "",
          more: false,
        }),
      },
      lanes: {
        require: async ({ conversation, op }) => {
          if (!this.groups.has(conversation)) throw new ChatError("NOT_FOUND", "no such conversation");
          this.change(`${op} ${conversation}`, () => this.groups.delete(conversation));
          return { seq: 1, ts: 1 };
        },
      },
      telemetry: { log: pino({ level: "silent" }) },
    };
  }

  /** Sweeps as an api does that starts now, until it has nothing to do. */
  async sweep(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      const ended = new AbortController();
      const deletion = new AccountDeletion(this.parts());
      const running = deletion.run(ended.signal);
      for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
      ended.abort();
      await running;
    }
  }

  assertDeleted(): void {
    assert.deepEqual(
      { ...this.account, deletedAt: this.account?.deletedAt !== undefined },
      { v: 1, createdAt: 1, credentialRevision: this.least, deletedAt: true },
    );
    assert.equal(this.exists, false);
    assert.equal(this.devices, 0);
    assert.ok(this.least >= NOW);
    assert.deepEqual([...this.groups], []);
    assert.equal(this.notes.size, 0);
  }
}

test("wherever the process ends, another one finishes what was begun, or nothing was", async () => {
  const whole = new World();
  await new AccountDeletion(whole.parts()).delete("ann", "secret-secret");
  assert.deepEqual(whole.changes, ["note", "tombstone", "people", "index", "revoke", "pushes"]);
  await whole.sweep();
  whole.assertDeleted();
  assert.equal(whole.isIndexed, false);
  const steps = whole.changes.length;
  assert.ok(steps > 10, whole.changes.join());

  for (let endsAt = 1; endsAt <= steps; endsAt += 1) {
    const world = new World();
    world.endsAt = endsAt;
    await new AccountDeletion(world.parts()).delete("ann", "secret-secret").catch((error: unknown) => {
      assert.ok(error instanceof ChatError && error.code === "UNAVAILABLE", String(error));
    });
    await world.sweep();
    if (endsAt <= 2) {
      assert.equal(world.account?.name, "Ann", `ended at ${endsAt}`);
      assert.deepEqual([world.exists, world.least, world.groups.size], [true, 0, GROUPS.length]);
      world.now += 301_000; // Long after any request: the note means nothing.
      await world.sweep();
      assert.equal(world.notes.size, 0);
    } else world.assertDeleted();
  }
});

test("the user who asks again goes on where it stopped, whatever password is given then", async () => {
  for (let endsAt = 1; endsAt <= 5; endsAt += 1) {
    const world = new World();
    world.endsAt = endsAt;
    const deletion = new AccountDeletion(world.parts());
    await deletion.delete("ann", "secret-secret").catch(() => undefined);
    await deletion.delete("ann", endsAt <= 2 ? "secret-secret" : "anything-else");
    assert.deepEqual([world.exists, world.account?.deletedAt], [false, NOW], `ended at ${endsAt}`);
    await world.sweep();
    world.assertDeleted();
  }
});

test("a wrong password, another system's account and a change meanwhile delete nothing", async () => {
  const world = new World();
  const deletion = new AccountDeletion(world.parts());
  await assert.rejects(deletion.delete("ann", "not-the-password"), { code: "FORBIDDEN" });
  world.account = { v: 1, createdAt: 1 };
  await assert.rejects(deletion.delete("ann", "secret-secret"), {
    code: "FORBIDDEN",
    message: /no password/,
  });
  assert.deepEqual(world.changes, []);

  world.account = { v: 1, createdAt: 1, password: "secret-secret" };
  const parts = world.parts();
  const begin = parts.deletions.begin.bind(parts.deletions);
  const changing = new AccountDeletion({
    ...parts,
    deletions: {
      ...parts.deletions,
      begin: async (user) => {
        await begin(user);
        world.account = { v: 1, createdAt: 1, password: "another-secret" };
      },
    },
  });
  await assert.rejects(changing.delete("ann", "secret-secret"), { code: "CONFLICT" });
  assert.equal(world.exists, true);
});
