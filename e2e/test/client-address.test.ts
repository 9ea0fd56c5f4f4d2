import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { after, before, test } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { upgradeRequest } from "../src/upgrade-request.ts";

const SOCKETS_MAX = 3;
const FRAMES_PER_SECOND = 5;
let stack: Stack;
let destroy: () => Promise<void>;
const url = (): string => stack.wsUrls[0] ?? "";

before(async () => {
  ({ stack, destroy } = await startThrowaway({
    env: {
      "*": { TRUST_PROXY: "yes" },
      connector: {
        SOCKETS_PER_ADDRESS_MAX: String(SOCKETS_MAX),
        FRAMES_PER_SECOND_PER_ADDRESS: String(FRAMES_PER_SECOND),
      },
      api: { SIGN_INS_PER_SECOND: "1" },
    },
  }));
});
after(async () => destroy?.());

/** How many of so many sign-ins at once, from where `forwarded` says, are not refused for their number. */
async function signIns(forwarded: (i: number) => string, tries: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: tries }, async (_, i) =>
      fetch(`${stack.apiUrl}/v1/sessions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-forwarded-for": forwarded(i) },
        body: JSON.stringify({ user: `nobody${i}`, password: "no such password" }),
      }),
    ),
  );
  return answers.filter(({ status }) => status !== 429).length;
}

/** How many of so many sockets at once are not. */
async function sockets(forwarded: (i: number) => string, tries: number): Promise<number> {
  const opened = await Promise.all(
    Array.from({ length: tries }, async (_, i) =>
      new Raw(url(), undefined, { "x-forwarded-for": forwarded(i) }).opened(),
    ),
  );
  const ends = await Promise.all(
    opened.map(async (socket) =>
      Promise.race([
        socket.closed.then(({ code }) => code),
        new Promise<undefined>((resolve) => setTimeout(resolve, 300, undefined)),
      ]),
    ),
  );
  for (const socket of opened) socket.close();
  await Promise.all(opened.map(async (socket) => socket.closed));
  return ends.filter((code) => code !== 4429).length;
}

test("connectors and api ignore what a client writes into X-Forwarded-For", async () => {
  const own = (i: number): string => `9.9.${i}.1, 5.6.7.8`;
  assert.equal(await sockets(own, 8), SOCKETS_MAX);
  assert.ok((await signIns(own, 25)) < 20);
});

test("clients of one /64 share a limit, and so do the spellings of one IPv4 address", async () => {
  const inOne = (i: number): string => `2001:db8:1:2::${i}`;
  assert.equal(await sockets(inOne, 8), SOCKETS_MAX);
  assert.ok((await signIns(inOne, 25)) < 20);
  const written = ["5.5.5.5", "::ffff:5.5.5.5", "::ffff:505:505", "5.5.5.5:4711"];
  assert.equal(await sockets((i) => written[i % written.length] ?? "", 8), SOCKETS_MAX);
});

test("clients that the proxy distinguishes have separate limits", async () => {
  const apart = (i: number): string => `9.9.9.9, 7.7.7.${i}`;
  assert.equal(await sockets(apart, 8), 8);
  assert.equal(await signIns(apart, 25), 25);
});

test("the sockets of one address share its limit, even before their hello, and other addresses do not", async () => {
  const token = mint(stack.secrets.signingKeyFile, { sub: "ann" });
  const from = (address: string): Raw => new Raw(url(), undefined, { "x-forwarded-for": address });
  const [phone, laptop, late, elsewhere] = [
    from("4.4.4.4"),
    from("4.4.4.4"),
    from("4.4.4.4"),
    from("3.3.3.3"),
  ];
  assert.equal((await phone.hello(token, "phone")).t, "welcome");
  assert.equal((await laptop.hello(token, "laptop")).t, "welcome");
  await late.opened();
  for (let i = 0; i < 4 * FRAMES_PER_SECOND; i += 1)
    await (i % 2 === 0 ? phone : laptop).say({ t: "ping", id: `p${i}` });
  const refused = await laptop.hear(({ code }) => code === "RATE_LIMITED");
  assert.ok(Number(refused["retryAfterMs"]) >= 10);
  assert.equal((await late.hello(token, "late"))["code"], "RATE_LIMITED");
  assert.equal((await late.closed).code, 4429, "it may come back with the token that it has");
  assert.equal((await elsewhere.hello(token, "elsewhere")).t, "welcome");
  const { length: taken } = [...phone.frames, ...laptop.frames].filter(({ t }) => t === "pong");
  assert.ok(taken >= 2 * FRAMES_PER_SECOND - 2 && taken < 4 * FRAMES_PER_SECOND, `${taken}`);
  for (const socket of [phone, laptop, elsewhere]) socket.close();
});

/** The header lines of an answer to an upgrade, of which some lines are said in other ways. */
async function upgraded(lines: readonly string[]): Promise<string> {
  const target = new URL(url());
  const socket = createConnection(Number(target.port), target.hostname);
  const request = upgradeRequest(target).replace(
    "Sec-WebSocket-Protocol: jichat.v1.json",
    lines.join("\r\n"),
  );
  socket.write(request);
  const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  socket.destroy();
  return /^sec-websocket-protocol: (\S+)/im.exec(answer.toString("latin1"))?.[1] ?? "";
}

for (const [chosen, ...lines] of [
  ["jichat.v1.msgpack", "jichat.v1.json", "jichat.v1.msgpack"],
  ["jichat.v1.msgpack", "jichat.v1.msgpack", "jichat.v1.json"],
  ["jichat.v1.msgpack", "other, jichat.v1.json", "more", "other,jichat.v1.msgpack"],
  ["jichat.v1.json", "other", "jichat.v1.json"],
  ["jichat.v1.json", "jichat.v1.json"],
])
  test(`${lines.length} lines offer ${lines.join("; ")}: ${chosen}`, async () => {
    assert.equal(await upgraded(lines.map((line) => `Sec-WebSocket-Protocol: ${line}`)), chosen);
  });
