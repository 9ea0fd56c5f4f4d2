import { encodeAnswers } from "@jichat/protocol/bus/command.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Command, CommandBatch } from "@jichat/conversation/command.ts";
import { decodeCommands } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import { REQUEST_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { SendRefused } from "@jichat/runtime/bus.ts";
import { CommandLane } from "./command-lane.ts";

const open = { isOpen: () => true };
const source = { conversation: "g", user: "u", device: "d", session: "s" };
const rename = (id: string, name: string): Command => ({ ...source, op: "rename", id, name });

function laneOver(
  ask: (batch: CommandBatch, bytes: number) => readonly Answer[],
  askBytesMax?: number,
): CommandLane {
  return new CommandLane({
    from: "c1",
    clock: systemClock,
    schedule: (act) => {
      setImmediate(act);
    },
    restMs: () => 0,
    ...(askBytesMax === undefined ? {} : { askBytesMax: () => askBytesMax }),
    ask: async (bytes) => {
      const batch = decodeCommands(bytes);
      return encodeAnswers({ v: 1, position: 1, answers: ask(batch, bytes.length) });
    },
  });
}

const acceptAll = ({ commands }: CommandBatch): Answer[] => commands.map(() => ({ seq: 1, ts: 1 }));

/** Text as it may come in: plain, escaped to six bytes a character, of four bytes, half a surrogate pair. */
const anyText = fc
  .tuple(fc.constantFrom("a", '"', "\\", "\u0001", "水", "😀", "\ud83d", "</"), fc.nat(8_192))
  .map(([unit, length]) => unit.repeat(length).slice(0, length));
const anyCommand: fc.Arbitrary<(id: string) => Command> = fc.oneof(
  anyText.map((name) => (id: string) => rename(id, name)),
  anyText.map((text) => (id: string): Command => ({
    ...source,
    op: "send",
    id,
    body: text as BodyText,
    to: "bob",
  })),
  fc.nat(1_000).map((count) => (id: string): Command => ({
    ...source,
    op: "invite",
    id,
    users: Array.from({ length: count }, (_, index) => String(index).padEnd(64, "u")),
  })),
);

test("a request stays within its bound for any commands, and all are answered in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyCommand, { minLength: 1, maxLength: 60 }), async (makes) => {
      const commands = makes.map((make, index) => make(`${index}${'"'.repeat(60)}`));
      const seen: string[] = [];
      const lane = laneOver((batch, bytes) => {
        assert.ok(bytes <= REQUEST_BYTES_MAX, `${bytes} bytes`);
        seen.push(...batch.commands.map((command) => ("id" in command ? command.id : "")));
        return acceptAll(batch);
      });
      const answers = await Promise.all(commands.map((command) => lane.submit(command, open)));
      assert.ok(answers.every((answer) => "seq" in answer));
      assert.deepEqual(
        seen,
        commands.map((command) => ("id" in command ? command.id : "")),
      );
    }),
    { numRuns: 40 },
  );
});

test("a command that exceeds a request is refused with its size, and delays no other", async () => {
  const asked: number[] = [];
  const lane = laneOver((batch, bytes) => {
    asked.push(bytes);
    return acceptAll(batch);
  }, 2_000);
  const answers = await Promise.all(
    [rename("a", "fits"), rename("b", "\u0001".repeat(400)), rename("c", "fits")].map((command) =>
      lane.submit(command, open),
    ),
  );
  assert.deepEqual(
    answers.map((answer) => ("code" in answer ? answer.code : "taken")),
    ["taken", "FRAME_TOO_LARGE", "taken"],
  );
  assert.ok(asked.every((bytes) => bytes <= 2_000));
});

test("a final refusal is answered at once, and the lane goes on", async () => {
  let tries = 0;
  const lane = laneOver((batch) => {
    tries += 1;
    if (tries > 1) return acceptAll(batch);
    throw new SendRefused(new ChatError("FRAME_TOO_LARGE", "too large"));
  });
  const refused = await lane.submit(rename("a", "n"), open);
  assert.ok("code" in refused && refused.code === "FRAME_TOO_LARGE");
  assert.equal(tries, 1);
  assert.ok("seq" in (await lane.submit(rename("a", "n"), open)));
});

test("a batch whose earlier attempt may have been accepted is answered as unknown", async () => {
  let tries = 0;
  const lane = laneOver(() => {
    tries += 1;
    if (tries === 1) throw new Error("no answer");
    throw new SendRefused(new ChatError("FRAME_TOO_LARGE", "too large"));
  });
  const refused = await lane.submit(rename("a", "n"), open);
  assert.ok("code" in refused && refused.code === "UNAVAILABLE");
  assert.equal(tries, 2);
});
