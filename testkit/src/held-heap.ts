import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that this process's heap holds on to, once what nobody holds is collected. */
export function heldNow(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
