import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { needStrace } from "@jichat/testkit/needs.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

interface Call {
  readonly name: string;
  readonly file: string;
  readonly text: string;
}

/** `PID name(FD<file>, …`, and the two halves of a call that another thread interrupted. */
function callsOf(trace: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Call>();
  for (const line of trace.split("\n")) {
    const resumed = /^(\d+)\s+<\.\.\. (\w+) resumed>/.exec(line);
    const begun = /^(\d+)\s+(\w+)\((\d+)<([^>]*)>(.*)$/.exec(line);
    if (resumed?.[1] !== undefined) {
      const call = open.get(resumed[1]);
      open.delete(resumed[1]);
      // A sync counts when it has returned, and so does everything else: that is when its order is sure.
      if (call !== undefined) calls.push(call);
    } else if (begun !== null) {
      const [, pid = "", name = "", , file = "", text = ""] = begun;
      if (text.includes("<unfinished")) open.set(pid, { name, file, text });
      else calls.push({ name, file, text });
    }
  }
  return calls;
}

test(
  "an append with `fsync: always` is on the disk before it is acknowledged",
  { timeout: 180_000 },
  async (t) => {
    const strace = await needStrace();
    const stack = await startStack(t, { routers: 1, connectors: 1, fsync: "always" });
    const socket = new Raw(stack.wsUrls[0] ?? "");
    t.after(() => {
      socket.close();
    });
    await socket.hello(mint(stack.secrets.signingKeyFile, { sub: "ann" }));
    await socket.ask({ t: "send", id: "warm", to: "bob", body: {} });

    const file = join(stack.options.data, "trace");
    const tracer = spawn(
      strace.path,
      [
        "-f",
        "-y",
        "-s",
        "400",
        "-e",
        "trace=write,pwrite64,writev,fsync,fdatasync",
        "-o",
        file,
        "-p",
        String(stack.nats?.pid),
      ],
      {
        env: { ...process.env, ...strace.env },
        stdio: "ignore",
      },
    );
    await sleep(1_500);
    for (let i = 0; i < 20; i += 1)
      assert.equal((await socket.ask({ t: "send", id: `m${i}`, to: "bob", body: { i } })).t, "ack");
    tracer.kill("SIGINT");
    await new Promise((resolve) => {
      tracer.once("exit", resolve);
    });

    const calls = callsOf(readFileSync(file, "utf8"));
    let acknowledged = 0;
    calls.forEach((ack, at) => {
      const stream = /\\"stream\\":\\"(jichat-LOG-\d+)\\"/.exec(ack.text)?.[1];
      if (stream === undefined || !/socket|TCP/.test(ack.file)) return;
      acknowledged += 1;
      const before = calls.slice(0, at);
      const isOf = ({ file: path }: Call): boolean => path.includes(`/${stream}/`) && path.endsWith(".blk");
      const written = before.findLastIndex((call) => isOf(call) && /write/.test(call.name));
      const synced = before.findLastIndex((call) => isOf(call) && /sync/.test(call.name));
      assert.ok(written >= 0, `an acknowledgement of ${stream} without a write before it`);
      assert.ok(synced > written, `${stream} was acknowledged before it was synced`);
    });
    assert.ok(acknowledged >= 20, `${acknowledged} acknowledgements were seen`);
  },
);
