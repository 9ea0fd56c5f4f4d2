import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";

interface Written {
  /** The versions that the watch may still report, all from before the last write. */
  readonly older: ReadonlySet<string>;
  readonly object: KubeObject;
}

/** Beyond this many writes that no watch has reported yet, the oldest are forgotten. */
const WRITTEN_MAX = 10_000;

/**
 * What was written and not reported by the watch yet. A pass that sees the state from before its
 * predecessor's writes would decide the same thing again, for other pods.
 */
export class WriteMemory {
  readonly #written = new Map<string, Written>();

  /** `before` is the object as the pass saw it, `after` what the API server answered. */
  wrote(before: KubeObject, after: KubeObject): void {
    const { uid, resourceVersion } = before.metadata;
    if (uid === undefined || resourceVersion === undefined) return;
    const known = this.#written.get(uid);
    const last = known?.object.metadata.resourceVersion;
    const older = new Set([...(known?.older ?? []), ...(last === undefined ? [] : [last]), resourceVersion]);
    this.#written.delete(uid);
    const [oldest] = this.#written.keys();
    if (this.#written.size >= WRITTEN_MAX && oldest !== undefined) this.#written.delete(oldest);
    const { apiVersion, kind } = before;
    this.#written.set(uid, { older, object: { ...after, apiVersion, kind } });
  }

  /** What the watches report, with what was written since. */
  over(observed: Observed): Observed {
    if (this.#written.size === 0) return observed;
    return new Observed(
      [...observed.objects.values()].map((object) => {
        const { uid = "", resourceVersion = "" } = object.metadata;
        const written = this.#written.get(uid);
        if (written?.older.has(resourceVersion) === true) return written.object;
        this.#written.delete(uid);
        return object;
      }),
    );
  }
}
