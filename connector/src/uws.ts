import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import type * as uws from "uWebSockets.js";

const require = createRequire(import.meta.url);

/**
 * uWebSockets.js. Its binaries ask for glibc 2.38; on an older one `testkit/src/glibc.ts` has put a small
 * library beside them that defines the three symbols they miss, and it must be loaded first, for everybody
 * to see.
 */
export function loadUws(): typeof uws {
  const shim = join(dirname(require.resolve("uWebSockets.js")), "glibc-shim.node");
  if (existsSync(shim))
    process.dlopen({ exports: {} }, shim, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
  return require("uWebSockets.js") as typeof uws;
}
