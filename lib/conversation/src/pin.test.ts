import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventFacts } from "@jichat/protocol/bus/query.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { readClientFrame } from "./client-frame.ts";
import { facetOf } from "./facet.ts";
import { PINS_MAX, pin, pins, unpin } from "./pin.ts";
import { shownFacets } from "./shown-facets.ts";
import type { FacetValues, State, View } from "./state.ts";
import { KINDS, verbOf } from "./tables.ts";
import type { Draft, Look } from "./verb.ts";

const HEAD = 500;
const TS = 1_800_000_000_000;

/** A group of ann, who sees all of it, and bob, who came with 200. Every event is a message of ann's. */
class Group implements View, State {
  readonly id = "g_1";
  readonly kind = "group";
  readonly head = HEAD;
  readonly no = HEAD;
  creator = "ann";
  name: string | undefined = "us";
  facets: FacetValues = {};
  readonly recalled = new Set<number>();
  readonly members = new Map([
    ["ann", { first: 1, mark: 1, markNo: 1 }],
    ["bob", { first: 200, mark: 200, markNo: 200 }],
  ]);
  join(): void {}
  leave(): void {}
  mark(): void {}
  recall(seq: number): void {
    this.recalled.add(seq);
  }

  get look(): Look {
    return {
      ts: TS,
      eventAt: (seq): EventFacts => ({
        seq,
        no: seq,
        kind: "message",
        from: "ann",
        ts: TS,
        recalled: this.recalled.has(seq),
      }),
    };
  }

  /** Moves over what was decided; the kinds of it. */
  took(drafts: readonly Draft[] | "unchanged"): readonly string[] | "unchanged" {
    if (drafts === "unchanged") return drafts;
    for (const draft of drafts)
      KINDS[draft.kind].apply?.(this, { ...draft, from: "ann" }, { seq: 1, no: 1, position: 1 });
    return drafts.map(({ kind }) => kind);
  }

  pin(user: string, seq: number): readonly string[] | "unchanged" {
    return this.took(pin.decide(this, user, { id: "i", conversation: this.id, seq }, this.look));
  }

  unpin(user: string, seq: number): readonly string[] | "unchanged" {
    return this.took(unpin.decide(this, user, { id: "i", conversation: this.id, seq }, this.look));
  }

  get pins(): readonly number[] {
    return facetOf(this, pins);
  }
}

const refuses = (act: () => unknown, code: string): void => {
  assert.throws(act, (error) => error instanceof ChatError && error.code === code);
};

test("any member who sees a message may pin it once, and the latest pin is the last of the list", () => {
  const group = new Group();
  assert.deepEqual(group.pin("ann", 7), ["pinned"]);
  assert.deepEqual(group.pin("bob", 300), ["pinned"]);
  assert.equal(group.pin("bob", 300), "unchanged");
  assert.deepEqual(group.pins, [7, 300]);
  refuses(() => group.pin("bob", 199), "NOT_FOUND");
  refuses(() => group.pin("ann", HEAD + 1), "NOT_FOUND");
  refuses(() => group.pin("cy", 300), "NOT_FOUND");
});

test("a member sees the pins of the messages that they see, and no field without pins", () => {
  const group = new Group();
  assert.deepEqual(shownFacets(group.facets, 1), {});
  group.pin("ann", 7);
  assert.deepEqual(shownFacets(group.facets, 200), {});
  group.pin("ann", 300);
  assert.deepEqual(shownFacets(group.facets, 200), { pins: [300] });
  assert.deepEqual(shownFacets(group.facets, 1), { pins: [7, 300] });
});

test("the last pin within the limit is accepted, one more is refused, and an unpin makes room", () => {
  const group = new Group();
  for (let seq = 1; seq <= PINS_MAX; seq += 1) group.pin("ann", seq);
  refuses(() => group.pin("ann", PINS_MAX + 1), "CONFLICT");
  assert.deepEqual(group.unpin("ann", 1), ["unpinned"]);
  assert.deepEqual(group.pin("ann", PINS_MAX + 1), ["pinned"]);
  assert.equal(group.pins.length, PINS_MAX);
});

test("an unpin of a message that is not pinned or not seen changes and stores nothing", () => {
  const group = new Group();
  group.pin("ann", 7);
  assert.equal(group.unpin("ann", 8), "unchanged");
  assert.equal(group.unpin("bob", 7), "unchanged");
  refuses(() => group.unpin("cy", 7), "NOT_FOUND");
  group.unpin("ann", 7);
  assert.deepEqual(group.facets, {});
});

test("a recall unpins a message, and a recalled message cannot be pinned", () => {
  const group = new Group();
  group.pin("ann", 7);
  const fields = { id: "i", conversation: group.id, seq: 7 };
  const recall = verbOf("recall");
  assert.ok(recall.marks === undefined && recall.sets === undefined);
  assert.deepEqual(group.took(recall.decide(group, "ann", fields, group.look)), ["unpinned", "recalled"]);
  assert.deepEqual(group.pins, []);
  refuses(() => group.pin("ann", 7), "CONFLICT");
});

test("both verbs are unknown frames below level 1", () => {
  for (const t of ["pin", "unpin"]) {
    const frame = { t, id: "i", conversation: "g_1", seq: 7 };
    assert.equal(readClientFrame(frame, 8_192, 1).t, t);
    refuses(() => readClientFrame(frame, 8_192, 0), "FRAME_UNKNOWN");
  }
});
