import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const MS = 3_000;
const STREAMS = 8;

/**
 * Fenced appends of `records` × 256 bytes, one in flight per stream, on the nats-server of this run: records
 * per second.
 */
export async function measureAppends(natsUrl: string, records: number): Promise<number> {
  const nats = await connect({ servers: natsUrl });
  const jsm = await jetstreamManager(nats);
  const js = jsm.jetstream();
  const payload = new Uint8Array(records * 256).fill(120);
  const end = performance.now() + MS;
  let appended = 0;
  await Promise.all(
    Array.from({ length: STREAMS }, async (_, i) => {
      const name = `bench-${records}-${i}`;
      await jsm.streams.add({ name, subjects: [`bench.${records}.${i}`] });
      let lastSequence = 0;
      while (performance.now() < end) {
        lastSequence = (await js.publish(`bench.${records}.${i}`, payload, { expect: { lastSequence } })).seq;
        appended += records;
      }
      await jsm.streams.delete(name);
    }),
  );
  await nats.close();
  return Math.round((appended * 1_000) / MS);
}
