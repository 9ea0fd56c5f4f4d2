import { say } from "../say.ts";
import { OtlpReceiver } from "./otlp-receiver.ts";
import { TraceStore } from "./trace-store.ts";
import { treeOf } from "./trace-tree.ts";

/** A write's trace begins with a frame or a request that writes. Other traces are too many to read. */
const ROOT = /^(connector (send|edit|recall|create|rename|invite|remove|leave)|api POST)/;
/** The wait for storage's insert, which comes last, some time after the rest. */
const QUIET_MS = 2_500;
/** The number of trees shown per second: nobody can read more. */
const TREES_PER_SECOND = 3;

/** Shows the trace of each write as a tree once it is complete: `make run OBSERVE=1`. */
export async function observe(): Promise<OtlpReceiver> {
  const store = new TraceStore();
  const waiting = new Map<string, ReturnType<typeof setTimeout>>();
  let [second, shown] = [0, 0];
  const show = (id: string): void => {
    waiting.delete(id);
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) [second, shown] = [now, 0];
    const spans = store.get(id);
    if (shown >= TREES_PER_SECOND || !spans.some(({ name }) => ROOT.test(name))) return;
    shown += 1;
    say(`trace ${id}\n${treeOf(id, spans).join("\n")}`);
  };
  return OtlpReceiver.start((spans) => {
    for (const id of store.add(spans)) {
      clearTimeout(waiting.get(id));
      waiting.set(
        id,
        setTimeout(() => {
          show(id);
        }, QUIET_MS),
      );
    }
  });
}
