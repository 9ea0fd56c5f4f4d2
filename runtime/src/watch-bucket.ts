import type { KV, KvWatchEntry } from "@nats-io/kv";

/**
 * Follows the keys of a bucket that match `filter`, and resolves once everything that was there is known:
 * whoever judged by half of it would take what is others'. `onEnd` is called when the watch ends by itself.
 */
export async function watchBucket(
  kv: KV,
  filter: string,
  act: (entry: KvWatchEntry) => void,
  signal: AbortSignal,
  onEnd: () => void = () => {},
): Promise<void> {
  const { promise: known, resolve } = Promise.withResolvers<void>();
  let isEmpty = true;
  for await (const _ of await kv.keys(filter)) isEmpty = false;
  const watch = await kv.watch({ key: filter });
  const stop = (): void => {
    watch.stop();
  };
  signal.addEventListener("abort", stop, { once: true });
  void (async () => {
    for await (const entry of watch) {
      act(entry);
      if (entry.delta === 0) resolve();
    }
    signal.removeEventListener("abort", stop);
    if (!signal.aborted) onEnd();
  })();
  if (!isEmpty) await known;
}
