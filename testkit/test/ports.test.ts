import assert from "node:assert/strict";
import { createServer } from "node:net";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import { freePorts } from "../src/local/ports.ts";

const PORTS = 300;
const CHILD = `
import { freePorts } from ${JSON.stringify(join(ROOT, "testkit/src/local/ports.ts"))};
console.log(JSON.stringify(await freePorts(${PORTS})));
process.stdin.resume();
`;

/** A process that has chosen its ports, uses none of them yet, and lives until its input ends. */
async function another(): Promise<{ readonly ports: readonly number[]; end(): Promise<void> }> {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", CHILD], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.endsWith("\n")) break;
  }
  const end = async (): Promise<void> => {
    child.stdin.end();
    await once(child, "exit");
  };
  return { ports: JSON.parse(text) as readonly number[], end };
}

test("processes that choose hundreds of ports never get the same one, though nobody listens yet", async () => {
  const others = await Promise.all([another(), another()]);
  try {
    const mine = await freePorts(PORTS);
    const all = [...mine, ...others.flatMap(({ ports }) => ports)];
    assert.equal(new Set(all).size, 3 * PORTS);
  } finally {
    for (const other of others) await other.end();
  }
});

test("a server can listen on a port that was chosen", async () => {
  const [port = 0] = await freePorts(1);
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  server.close();
});
