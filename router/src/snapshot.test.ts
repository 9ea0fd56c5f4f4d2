import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EventKind } from "@jichat/protocol/frame/server-frame.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { RECENT_MS } from "@jichat/protocol/limits.ts";
import { snapshotPieces } from "@jichat/protocol/log/snapshot.ts";
import { PartitionState } from "./partition-state.ts";
import { stateOf, takeSnapshot } from "./snapshot.ts";

const NOW = 1_790_000_000_000;
const ALL_CONSUMED = Number.MAX_SAFE_INTEGER;
/** So few that conversations go cold too. */
const IDS_MAX = 150;
const USERS = ["ann", "bob", "cyd"];
const GROUPS = ["g_1", "g_2", "g_3", "g_4", "g_5", "g_6"];
const KINDS: readonly EventKind[] = ["message", "edited", "recalled", "joined", "left", "renamed", "pinned"];
type What = EventKind | "mark" | "setting" | "note" | "shed";

interface Step {
  readonly group: string;
  readonly user: string;
  readonly what: What;
}

/** A partition that gets one record after the other, and sheds now and then. */
class Reign {
  readonly state = new PartitionState(IDS_MAX);
  position = 0;

  step({ group, user, what }: Step): void {
    this.position += 1;
    const ts = NOW + this.position * (RECENT_MS / 10);
    if (what === "shed") {
      this.state.shed(ts, ALL_CONSUMED);
      return;
    }
    const known = this.state.get(group);
    if (known === undefined || known.head === 0) {
      const conversation = known ?? this.state.load(group, undefined);
      this.#apply(conversation.id, eventOf("created", { group, seq: 1, ts, user, id: this.position }));
      return;
    }
    const { head: seq, no } = known;
    const id = `${this.position}`;
    if (what === "mark") this.#apply(group, { r: "mark", conversation: group, user, seq, no, session: "s" });
    else if (what === "setting") {
      const settings = { muted: { until: ts } };
      this.#apply(group, { r: "setting", conversation: group, user, id, seq, ts, settings });
    } else if (what === "note") this.#apply(group, { r: "note", conversation: group, user, id, seq, ts });
    else this.#apply(group, eventOf(what, { group, seq: seq + 1, ts, user, id: this.position }));
  }

  #apply(group: string, record: LogRecord): void {
    const conversation = this.state.get(group) ?? this.state.load(group, undefined);
    this.state.apply(conversation, record, this.position);
  }

  /** What a successor would read, piece by piece. */
  snapshot(): Generator<string> {
    return snapshotPieces(takeSnapshot(this.state, this.position, 0));
  }
}

interface Of {
  readonly group: string;
  readonly seq: number;
  readonly ts: number;
  readonly user: string;
  readonly id: number;
}

function eventOf(kind: EventKind, { group, seq, ts, user, id }: Of): LogRecord {
  return {
    r: "event",
    conversation: group,
    kind,
    seq,
    no: seq,
    from: user,
    device: "phone",
    session: "s",
    ts,
    id: `${id}`,
    ...(kind === "created" || kind === "joined" || kind === "left" ? { users: [user] } : {}),
    ...(kind === "renamed" ? { name: `name ${id}` } : {}),
    ...(kind === "edited" || kind === "recalled" || kind === "pinned" ? { target: seq - 1 } : {}),
  };
}

const steps = fc.array(
  fc.record({
    group: fc.constantFrom(...GROUPS),
    user: fc.constantFrom(...USERS),
    what: fc.constantFrom<What>(...KINDS, "mark", "setting", "note", "shed"),
  }),
  { maxLength: 60 },
);

test("a snapshot is of the moment at which it was taken, whatever is applied and shed while it is written", () => {
  fc.assert(
    fc.property(steps, steps, fc.array(fc.nat(12), { maxLength: 12 }), (before, after, gaps) => {
      const reign = new Reign();
      for (const step of before) reign.step(step);
      const atOnce = [...reign.snapshot()];
      const later: string[] = [];
      const pieces = reign.snapshot();
      const rest = after.values();
      for (const gap of [0, ...gaps]) {
        const piece = pieces.next();
        if (piece.done !== true) later.push(piece.value);
        for (const step of rest.take(gap)) reign.step(step);
      }
      later.push(...pieces);
      assert.deepEqual(later, atOnce);
    }),
    { numRuns: 500 },
  );
});

test("a snapshot after it, and a reader that stops, end one that is not read to its end", () => {
  const reign = new Reign();
  for (const group of GROUPS) reign.step({ group, user: "ann", what: "message" });
  const first = reign.snapshot();
  first.next();
  const unread = reign.snapshot();
  assert.throws(() => [...first], /given up/u);
  const second = [...reign.snapshot()];
  assert.throws(() => [...unread], /given up/u);
  const third = reign.snapshot();
  third.next();
  third.return(undefined);
  reign.step({ group: "g_1", user: "ann", what: "message" });
  assert.equal(second.length, 2 + GROUPS.length);
  assert.equal([...reign.snapshot()].length, 2 + GROUPS.length);
});

test("a state is that of its snapshot, and not read from one of another version", async () => {
  const reign = new Reign();
  for (const group of GROUPS) for (const what of KINDS) reign.step({ group, user: "ann", what });
  const snapshot = takeSnapshot(reign.state, reign.position, 0);
  const other = { ...snapshot, v: 2, conversations: [] };
  assert.equal(await stateOf(other), undefined);
  const restored = (await stateOf(snapshot)) ?? assert.fail();
  assert.deepEqual([...snapshotPieces(takeSnapshot(restored, reign.position, 0))], [...reign.snapshot()]);
});
