import assert from "node:assert/strict";
import { test } from "node:test";
import type { JetStreamManager } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { StreamsMissing, makeMissing, missingStreams, layoutOfOthers } from "./provision.ts";
import { streamsOf } from "./streams.ts";

const NAMES = namesOf("c");
const WANTED = { partitions: 2, replicas: 1, logBytesMax: 8_388_608 } as const;
const ALL = [`KV_${NAMES.settings}`, ...streamsOf(NAMES, WANTED).map(({ name }) => name)];

/** JetStream that answers `error` for the streams that are not there, and has no way to make any. */
const jetStream = (there: readonly string[], error: unknown): JetStreamManager =>
  ({
    streams: {
      info: async (name: string) => {
        if (!there.includes(name)) throw error;
        return {};
      },
    },
  }) as unknown as JetStreamManager;

const NOT_FOUND = new JetStreamApiError({ code: 404, err_code: 10_059, description: "stream not found" });

test("a process that does not own the streams waits for any missing one, and creates none", async () => {
  for (const gone of ALL) {
    const jsm = jetStream(
      ALL.filter((name) => name !== gone),
      NOT_FOUND,
    );
    await assert.rejects(layoutOfOthers(undefined as never, jsm, NAMES, WANTED), (error: unknown) => {
      assert.ok(error instanceof StreamsMissing);
      assert.match(error.message, new RegExp(`^1 streams are missing, ${gone} first`));
      return true;
    });
  }
});

test("a stream that does not answer does not count as missing", async () => {
  const away = new JetStreamApiError({ code: 503, err_code: 10_008, description: "no leader" });
  await assert.rejects(missingStreams(jetStream([], away), ALL), away);
  assert.deepEqual(await missingStreams(jetStream(ALL.slice(1), NOT_FOUND), ALL), ALL.slice(0, 1));
});

test("missing streams are created, but not one that existed before and vanishes meanwhile", async () => {
  const streams = streamsOf(NAMES, WANTED);
  const [gone, ...rest] = streams.map(({ name }) => name);
  for (const [had, made] of [
    [[], [gone]],
    [rest, [gone]],
    [[gone ?? "", ...rest], []],
  ] as const) {
    const added: string[] = [];
    const jsm = jetStream(rest, NOT_FOUND);
    Object.assign(jsm.streams, {
      add: async ({ name }: { readonly name: string }) => {
        added.push(name);
      },
    });
    const making = makeMissing(jsm, streams, had);
    if (made.length > 0) await making;
    else await assert.rejects(making, StreamsMissing);
    assert.deepEqual(added, made);
  }
});
