import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { exec, which } from "./exec.ts";
import { UserError, say } from "./say.ts";

/**
 * uWebSockets.js is built on a system with glibc 2.38, and so requires that version, although it needs only
 * three symbols of it, which C23 renamed. On an older glibc, the requirement in its binary is marked as
 * optional (VER_FLG_WEAK), and a small library defines the three symbols. `connector/src/uws.ts` loads it
 * first. Images have a newer glibc and need none of this.
 */
const SHIM = `
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
unsigned long __isoc23_strtoul(const char *text, char **end, int base) { return strtoul(text, end, base); }
int __isoc23_sscanf(const char *text, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int count = vsscanf(text, format, values);
  va_end(values);
  return count;
}
void *napi_register_module_v1(void *env, void *exports) { return exports; }
`;

const SHT_GNU_VERNEED = 0x6ffffffe;
const VER_FLG_WEAK = 2;
const NEEDED = "GLIBC_2.38";

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly link: number;
  readonly info: number;
}

function sectionsOf(elf: Buffer): Section[] {
  const table = Number(elf.readBigUInt64LE(0x28));
  const size = elf.readUInt16LE(0x3a);
  return Array.from({ length: elf.readUInt16LE(0x3c) }, (_, index) => {
    const at = table + index * size;
    return {
      type: elf.readUInt32LE(at + 4),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      link: elf.readUInt32LE(at + 40),
      info: elf.readUInt32LE(at + 44),
    };
  });
}

/**
 * Marks every requirement of GLIBC_2.38 in a 64-bit little-endian ELF file as weak. Returns the number of
 * marks; 0 means that nothing had to be done.
 */
function weaken(elf: Buffer): number {
  if (elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1)
    throw new Error("not a 64-bit little-endian ELF file");
  const sections = sectionsOf(elf);
  const needs = sections.find(({ type }) => type === SHT_GNU_VERNEED);
  if (needs === undefined) return 0;
  const strings = sections[needs.link]?.offset ?? 0;
  let weakened = 0;
  let need = needs.offset;
  for (let i = 0; i < needs.info; i += 1) {
    let aux = need + elf.readUInt32LE(need + 8);
    for (let j = 0; j < elf.readUInt16LE(need + 2); j += 1) {
      const name = strings + elf.readUInt32LE(aux + 8);
      const isNeeded = elf.toString("latin1", name, elf.indexOf(0, name)) === NEEDED;
      if (isNeeded && (elf.readUInt16LE(aux + 4) & VER_FLG_WEAK) === 0) {
        elf.writeUInt16LE(elf.readUInt16LE(aux + 4) | VER_FLG_WEAK, aux + 4);
        weakened += 1;
      }
      aux += elf.readUInt32LE(aux + 12);
    }
    need += elf.readUInt32LE(need + 12);
  }
  return weakened;
}

function glibc(): { major: number; minor: number } | undefined {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const [major, minor] = (report.header?.glibcVersionRuntime ?? "").split(".").map(Number);
  return major === undefined || minor === undefined ? undefined : { major, minor };
}

/**
 * Makes uWebSockets.js loadable on this machine. Does nothing if it is loadable already, or if glibc is new
 * enough.
 */
export async function prepareUws(): Promise<void> {
  const version = glibc();
  if (version === undefined || version.major > 2 || version.minor >= 38) return;
  const require = createRequire(import.meta.url);
  const home = dirname(require.resolve("uWebSockets.js"));
  const shim = join(home, "glibc-shim.node");
  if (existsSync(shim)) return;
  const compiler = ["cc", "gcc", "clang"].map(which).find((path) => path !== undefined);
  if (compiler === undefined) {
    const why = `glibc ${version.major}.${version.minor} is older than uWebSockets.js needs, and a small library adds what is missing`;
    throw new UserError(`a C compiler is missing: ${why} (Debian: apt-get install gcc libc6-dev)`);
  }
  say(`making uWebSockets.js run on glibc ${version.major}.${version.minor} ...`);
  const building = `${process.pid}.new`; // Two processes may start together and do the same work twice.
  const isAddon = (file: string): boolean =>
    file.startsWith(`uws_linux_${process.arch}_`) && file.endsWith(".node");
  for (const name of readdirSync(home).filter(isAddon)) {
    const path = join(home, name);
    const elf = readFileSync(path);
    if (weaken(elf) > 0) {
      writeFileSync(`${path}.${building}`, elf);
      // Not in place, since a running connector may have mapped the old file.
      renameSync(`${path}.${building}`, path);
    }
  }
  const source = join(tmpdir(), `jichat-glibc-${process.pid}.c`);
  writeFileSync(source, SHIM);
  const { code, stderr } = await exec(
    compiler,
    ["-shared", "-fPIC", "-O2", "-o", `${shim}.${building}`, source],
    {
      env: process.env,
    },
  );
  rmSync(source);
  if (code !== 0)
    throw new UserError(`the C compiler failed (Debian: apt-get install gcc libc6-dev):\n${stderr}`);
  renameSync(`${shim}.${building}`, shim);
}
