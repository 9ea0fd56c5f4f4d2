import { once } from "node:events";

/** Resolves when every generator of this load has reached this point, so that all start together. */
export async function together(): Promise<void> {
  const go = once(process, "message");
  process.send?.({ isReady: true });
  await go;
}
