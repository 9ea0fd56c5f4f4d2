import { decode, encode } from "@msgpack/msgpack";
import { Packr } from "msgpackr";
import type { Figure } from "../figure.ts";
import { count } from "../figure.ts";

interface EncodingFigures {
  readonly name: string;
  readonly bytes: number;
  readonly batchesPerSecond: number;
}

const BATCH = 100;
const MIN_MS = 600;

/** A batch of commands as connectors send it. The choice of the inner encoding rests on it (ADR 0005). */
const commands = Array.from({ length: BATCH }, (_, i) => ({
  conversation: `d_${"abcdefghijklmnopqrstuvwxyz".slice(i % 10)}${i}`,
  user: `user-${i}`,
  device: "phone",
  session: "Zm9vYmFyYmF6cXV4",
  op: "send",
  id: `01976b2c-0000-7abc-8def-${String(i).padStart(12, "0")}`,
  body: JSON.stringify({ text: "x".repeat(150), at: i }),
}));
const object = { v: 1, from: "connector-1-abcdef01", number: 7, commands };
const tuple = [1, object.from, object.number, commands.map((command) => Object.values(command))];

function measure(
  name: string,
  write: () => Uint8Array,
  read: (bytes: Uint8Array) => unknown,
): EncodingFigures {
  const bytes = write().length;
  let rounds = 0;
  for (let i = 0; i < 50; i += 1) read(write());
  const started = performance.now();
  while (performance.now() - started < MIN_MS) {
    read(write());
    rounds += 1;
  }
  return { name, bytes, batchesPerSecond: Math.round((rounds * 1_000) / (performance.now() - started)) };
}

/** Encoded and decoded batches of 100 sends per second, on one core. */
function measureEncodings(): readonly EncodingFigures[] {
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  const packr = new Packr({ useRecords: false });
  const records = new Packr();
  return [
    measure(
      "JSON, objects (in use)",
      () => encoder.encode(JSON.stringify(object)),
      (bytes) => JSON.parse(decoder.decode(bytes)),
    ),
    measure(
      "JSON, tuples",
      () => encoder.encode(JSON.stringify(tuple)),
      (bytes) => JSON.parse(decoder.decode(bytes)),
    ),
    measure(
      "@msgpack/msgpack, objects",
      () => encode(object),
      (bytes) => decode(bytes),
    ),
    measure(
      "msgpackr, objects",
      () => packr.pack(object),
      (bytes) => packr.unpack(bytes),
    ),
    measure(
      "msgpackr, records",
      () => records.pack(object),
      (bytes) => records.unpack(bytes),
    ),
  ];
}

export const encodings: Figure = {
  name: "encodings",
  what: "one batch of 100 sends, written and read (ADR 0005)",
  measure: async (say) => {
    for (const { name, bytes, batchesPerSecond } of measureEncodings())
      say(
        `  ${name.padEnd(28)} ${count(bytes).padStart(7)} B ${count(batchesPerSecond).padStart(7)} batches/s`,
      );
    return [];
  },
};
