import type { Clock } from "@jichat/protocol/clock.ts";
import { limited } from "./limited.ts";

/** Reads all bytes of a stream. Throws UNAVAILABLE if nothing arrives for `silenceMs` before the end. */
export async function readAll(
  what: string,
  stream: ReadableStream<Uint8Array>,
  silenceMs: number,
  clock?: Pick<Clock, "sleep">,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  try {
    for (;;) {
      const { done, value } = await limited(`the next piece of ${what}`, silenceMs, reader.read(), clock);
      if (done) return Buffer.concat(chunks);
      chunks.push(value);
    }
  } catch (error) {
    await reader.cancel(error);
    throw error;
  }
}
