import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import type * as uws from "uWebSockets.js";

const require = createRequire(import.meta.url);

/**
 * Loads uWebSockets.js. Its binaries need glibc 2.38. For an older glibc, `testkit/src/glibc.ts` puts a small
 * library beside them that defines the three missing symbols. That library must be loaded first, with global
 * visibility.
 */
export function loadUws(): typeof uws {
  const shim = join(dirname(require.resolve("uWebSockets.js")), "glibc-shim.node");
  if (existsSync(shim))
    process.dlopen({ exports: {} }, shim, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
  return require("uWebSockets.js") as typeof uws;
}
