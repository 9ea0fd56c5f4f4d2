import { once } from "node:events";

/** Resolves when every generator of this load has come so far: who measures them starts them together. */
export async function together(): Promise<void> {
  const go = once(process, "message");
  process.send?.({ isReady: true });
  await go;
}
