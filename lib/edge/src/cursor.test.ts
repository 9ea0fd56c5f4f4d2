import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChatError } from "@jichat/protocol/errors.ts";
import { CURSOR_LENGTH_MAX, decodeCursor, decodePage, encodeCursor, encodePage } from "./cursor.ts";

const RUNS = 2_000;
const IDENTITY = "AbCdEfGh-_0";

const position = fc.oneof(fc.nat(), fc.constantFrom(0, 127, 128, 2 ** 48, Number.MAX_SAFE_INTEGER));
const identity = fc.option(
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString("base64url")),
  { nil: undefined },
);
const positions = fc.array(position, { minLength: 1, maxLength: 64 });
const cursor = fc.record({ identity, positions }, { noNullPrototype: true });
const page = fc
  .record({
    identity,
    pairs: fc.array(fc.tuple(position, position), { minLength: 1, maxLength: 64 }),
    hasSince: fc.boolean(),
    ts: position,
    after: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  })
  .map(({ pairs, hasSince, ...rest }) => ({
    ...rest,
    since: hasSince ? pairs.map(([since]) => since) : undefined,
    cursor: pairs.map(([, now]) => now),
  }));

test("a cursor and a page token come back as they were, with an identity and without", () => {
  fc.assert(
    fc.property(cursor, page, (one, other) => {
      assert.deepEqual(decodeCursor(encodeCursor(one)), one);
      assert.deepEqual(decodePage(encodePage(other)), other);
    }),
    { numRuns: RUNS },
  );
});

test("the largest cursor and page token fit into a frame", () => {
  const most = Array.from({ length: 256 }, (_, i) => (i === 0 ? 2 ** 48 : i * 1_003_003));
  const whole = { identity: IDENTITY, since: most, cursor: most, ts: 1_800_000_000_000, after: "g_abc" };
  assert.deepEqual(decodeCursor(encodeCursor({ identity: IDENTITY, positions: most })).positions, most);
  assert.deepEqual(decodePage(encodePage(whole)), whole);
  assert.ok(encodePage(whole).length <= CURSOR_LENGTH_MAX);
});

test("the version before reads over the identity: what it decodes are the bytes that it would have made", () => {
  fc.assert(
    fc.property(cursor, page, (one, other) => {
      const old = (text: string): string => Buffer.from(text, "base64url").toString("hex");
      assert.equal(old(encodeCursor(one)), old(encodeCursor({ positions: one.positions })));
      assert.equal(old(encodePage(other)), old(encodePage({ ...other, identity: undefined })));
    }),
    { numRuns: RUNS },
  );
});

/** What is nearly right: one byte other, one cut off or put in, two forms of the same. */
const nearly = fc
  .tuple(fc.oneof(cursor.map(encodeCursor), page.map(encodePage)), fc.nat(), fc.string())
  .map(([text, at, more]) => {
    const cut = at % (text.length + 1);
    return [
      text.slice(0, cut) + more + text.slice(cut),
      text.slice(0, cut),
      text.slice(0, cut) + more + text.slice(cut + 1),
    ];
  });

test("any other text is refused by its field, and a claimed size allocates nothing", () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some).toString("base64url"));
  const versioned = fc
    .uint8Array({ maxLength: 300 })
    .map((some) => Buffer.concat([Buffer.from([1]), some]).toString("base64url"));
  const given = fc.oneof(
    nearly.chain((texts) => fc.constantFrom(...texts)),
    bytes,
    versioned,
    fc.string({ maxLength: 200 }),
  );
  const take = (what: string, decode: () => string, text: string): void => {
    try {
      assert.equal(decode(), text, "what is taken has one form");
    } catch (error) {
      assert.ok(error instanceof ChatError, String(error));
      assert.equal(error.code, "FRAME_MALFORMED");
      assert.match(error.message, new RegExp(`\`${what}\``));
    }
  };
  fc.assert(
    fc.property(given, (text) => {
      take("since", () => encodeCursor(decodeCursor(text)), text);
      take("page", () => encodePage(decodePage(text)), text);
    }),
    { numRuns: 5 * RUNS },
  );
});

test("each rule is kept: form, identity, version, counts, lengths, ranges, ids", () => {
  const of = (...bytes: number[]): string => Buffer.from(bytes).toString("base64url");
  const good = encodeCursor({ positions: [1, 2, 3] });
  const full = [255, 255, 255, 255, 255, 255, 255];
  const cursors = {
    empty: "",
    rubbish: "rubbish",
    cut: good.slice(0, -2),
    longer: `${good}AA`,
    padded: `${good}=`,
    "a short identity": `${good}=AAAA`,
    "two identities": `${good}=${IDENTITY}=${IDENTITY}`,
    "an identity of other characters": `${good}=${IDENTITY.slice(1)}.`,
    "what a lenient reader skips": `${good} `,
    "bits behind the end": `${of(1, 1, 1).slice(0, -1)}${of(1, 1, 1)}B`,
    "version 0": of(0, 1, 1),
    "version 2": of(2, 1, 1),
    "no partition": of(1, 0),
    "more partitions than there may be": of(1, 129, 2, ...Array.from({ length: 257 }, () => 1)),
    "more positions claimed than are there": of(1, 200, 1, 1),
    "a count as large as can be": of(1, ...full, 15),
    "a longer form of a number": of(1, 1, 129, 0),
    "a number that is not exact": of(1, 1, ...full, 16),
    "a number without an end": of(1, 1, ...full, 255, 255),
    "too long": "A".repeat(CURSOR_LENGTH_MAX + 1),
  };
  for (const [what, bad] of Object.entries(cursors)) {
    assert.throws(() => decodeCursor(bad), { code: "FRAME_MALFORMED" }, what);
    assert.throws(() => decodePage(bad), { code: "FRAME_MALFORMED" }, what);
  }
  const id = Buffer.from("g_a");
  assert.equal(decodePage(of(1, 0, 1, 5, 9, ...id)).after, "g_a");
  const pages = {
    "another kind": of(1, 2, 1, 5, 9, ...id),
    "two numbers of partitions": of(1, 1, 2, 5, 5, 1, 5, 9, ...id),
    "no conversation": of(1, 0, 1, 5, 9),
    "no id": of(1, 0, 1, 5, 9, ...id, 10),
    "a long id": of(1, 0, 1, 5, 9, ...Buffer.from("x".repeat(65))),
  };
  for (const [what, bad] of Object.entries(pages))
    assert.throws(() => decodePage(bad), { code: "FRAME_MALFORMED" }, what);
});
