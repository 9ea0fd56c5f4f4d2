import { EVENT_COLUMNS } from "@jichat/storage/events.ts";
import { connectClickHouse } from "@jichat/storage/clickhouse.ts";
import { Lines } from "@jichat/storage/lines.ts";
import { migrate } from "@jichat/storage/migrations.ts";

/**
 * The embedded engine and nothing else: what storage's writes are held against. Inserts the same prebuilt
 * rows of 165 bytes of body, 10,000 at a time, one insert after the other, and reports rows per second.
 * Arguments: a folder of its own, and where the engine is.
 */
const [embeddedPath = "", chdbHome = ""] = process.argv.slice(2);
const ROWS = 10_000;
const MS = 3_000;

const store = await connectClickHouse({ embeddedPath, chdbHome }, "bench");
await migrate(store);
const lines = new Lines([...EVENT_COLUMNS, "partition", "position", "digest"]);
const body = JSON.stringify({ text: "x".repeat(150) });
for (let seq = 1; seq <= ROWS; seq += 1) {
  const conversation = `d_raw${seq % 100}`;
  const id = `01976b2c-0000-7abc-8def-${String(seq).padStart(12, "0")}`;
  const said = [conversation, seq, seq, "message", "ann", id, 1_800_000_000_000 + seq, body];
  lines.add([...said, 0, [], 0, [], "", 0, seq, 0]);
}
await store.insertLines("events", lines);
let inserted = 0;
const started = performance.now();
while (performance.now() - started < MS) {
  await store.insertLines("events", lines);
  inserted += ROWS;
}
process.send?.((inserted * 1_000) / (performance.now() - started));
