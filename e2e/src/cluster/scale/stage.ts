import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Span } from "../../diary.ts";
import type { Chat } from "../chat.ts";
import { watchGenerator } from "./generator.ts";
import { findMostBorne } from "./most-borne.ts";
import type { Outcome } from "./outcome.ts";
import { outcomeOf, wordsOf } from "./outcome.ts";
import { Recorder } from "./recorder.ts";
import { keepRecording } from "./keep-recording.ts";
import { Waves } from "./waves.ts";

/** Long enough for a p99 that wavers little: that of 500 sends differs by half from one time to the next. */
const BEFORE_MS = 30_000;
const AFTER_MS = 5_000;
/** Before an act, most sends are acked within this time: else nothing can be said about the act. */
const P99_BEFORE_MAX_MS = 1_000;

/** What an act has to do with. */
export interface Stage {
  readonly chat: Chat;
  readonly waves: Waves;
  /** Says in the recording that something begins now. */
  readonly mark: (what: string) => void;
  /** The connections of each connector, as it said last. */
  readonly connections: () => readonly number[];
}

export interface Play {
  /** The name of the recording. */
  readonly name: string;
  /** `spec.drain.maxReconnectsPerSecond`. */
  readonly perSecond: number;
  readonly act: (stage: Stage) => Promise<void>;
}

/**
 * Lets as many people talk as the machine bears, and acts under them. Every device must have every message in
 * the end, in order and once, and ClickHouse must equal the log. Resolves with what the devices went through
 * during the act.
 */
export async function underMost(t: TestContext, chat: Chat, play: Play): Promise<Outcome> {
  const venue = await chat.venue();
  const waves = new Waves(t, venue);
  let recorder: Recorder | undefined;
  try {
    await findMostBorne(t, waves);
    recorder = await Recorder.start(chat, waves.diary);
    const before = await spanOf(async () => sleep(BEFORE_MS));
    const p99Ms = waves.diary.answeredMs(99, before) ?? Number.POSITIVE_INFINITY;
    t.diagnostic(
      `${waves.devices} devices, ${waves.perSecond} messages/s: p99 ${p99Ms.toFixed(0)} ms before`,
    );
    assert.ok(p99Ms < P99_BEFORE_MAX_MS, `p99 was ${p99Ms.toFixed(0)} ms before anything happened`);
    const outcome = await played(t, play, { chat, waves, recorder, before });
    await waves.end();
    t.diagnostic((await chat.verify()).trim().split("\n").at(-1)?.slice(0, 200) ?? "");
    return outcome;
  } finally {
    await recorder?.close();
    waves.leave();
    venue.leave();
  }
}

interface Scene extends Pick<Stage, "chat" | "waves"> {
  readonly recorder: Recorder;
  readonly before: Span;
}

/** Acts, and keeps the recording: of an act that fails it is wanted most. */
async function played(t: TestContext, play: Play, scene: Scene): Promise<Outcome> {
  const { chat, waves, recorder, before } = scene;
  const { devices, perSecond: messagesPerSecond } = waves;
  const used = watchGenerator();
  const from = performance.now();
  const outcome = (): Outcome => {
    const during = { from, to: performance.now() };
    return outcomeOf({ diary: waves.diary, looks: recorder.looksIn(during), before, during });
  };
  try {
    await play.act({
      chat,
      waves,
      mark: (what) => {
        recorder.mark(what);
      },
      connections: () => Object.values(recorder.looks.at(-1)?.pods ?? {}).map((pod) => pod.connections),
    });
    await sleep(AFTER_MS);
    return outcome();
  } finally {
    for (const line of [used(), ...wordsOf(outcome())]) t.diagnostic(line);
    const { name, perSecond } = play;
    t.diagnostic(keepRecording(await recorder.stop({ name, devices, perSecond, messagesPerSecond })));
  }
}

async function spanOf(act: () => Promise<void>): Promise<Span> {
  const from = performance.now();
  await act();
  return { from, to: performance.now() };
}
