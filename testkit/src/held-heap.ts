import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** The bytes of this process's heap that are still reachable after a garbage collection. */
export function heldNow(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
