export interface InsertsArgs {
  /** The folder for the engine's data. */
  readonly folder: string;
  readonly chdbHome: string;
  readonly ms: number;
}

const ROWS = 10_000;

/**
 * Measures only the embedded engine, for comparison with storage's writes. It inserts the same prebuilt rows,
 * with bodies of 165 bytes, 10,000 at a time, one insert after the other. Returns rows per second.
 */
export async function inserts({ folder, chdbHome, ms }: InsertsArgs): Promise<{ perSecond: number }> {
  // Imported here, since no other load needs ClickHouse's client.
  const { connectClickHouse } = await import("@jichat/storage/clickhouse.ts");
  const { EVENT_COLUMNS } = await import("@jichat/storage/event-row.ts");
  const { Lines } = await import("@jichat/storage/lines.ts");
  const { migrate } = await import("@jichat/storage/migrations.ts");
  const store = await connectClickHouse({ embeddedPath: folder, chdbHome }, "bench");
  await migrate(store);
  const lines = new Lines([...EVENT_COLUMNS, "partition", "position", "digest"]);
  const body = JSON.stringify({ text: "x".repeat(150) });
  for (let seq = 1; seq <= ROWS; seq += 1) {
    const conversation = `d_raw${seq % 100}`;
    const id = `01976b2c-0000-7abc-8def-${String(seq).padStart(12, "0")}`;
    const said = [conversation, seq, seq, "message", "ann", id, 1_800_000_000_000 + seq, body];
    lines.add([...said, 0, [], 0, [], "", "", 0, seq, 0]);
  }
  await store.insertLines("events", lines);
  let inserted = 0;
  const started = performance.now();
  while (performance.now() - started < ms) {
    await store.insertLines("events", lines);
    inserted += ROWS;
  }
  return { perSecond: (inserted * 1_000) / (performance.now() - started) };
}
