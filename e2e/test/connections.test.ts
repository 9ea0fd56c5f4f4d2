import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { createConnection } from "node:net";
import { after, before, test } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { LINGERING, LINGERING_UNANSWERED, endsWithin } from "../src/lingering.ts";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { sleep } from "../src/scene.ts";

const MAX = 20;
let stack: Stack;
let destroy: () => Promise<void>;

before(async () => {
  const env = { CONNECTIONS_PER_ADDRESS_MAX: String(MAX) };
  ({ stack, destroy } = await startThrowaway({ env: { connector: env, api: env } }));
});
after(async () => destroy?.());

const portOf = (door: string): number => Number(new URL(door).port);
const doors = (): readonly (readonly [string, string])[] => [
  ["connector", stack.wsUrls[0] ?? ""],
  ["api", stack.apiUrl],
];

/** A connection that says `first` and then nothing; from 127.0.0.2, so that others are another address. */
async function hold(port: number, first: string): Promise<Socket> {
  const socket = createConnection({ port, host: "127.0.0.1", localAddress: "127.0.0.2" });
  socket.on("error", () => undefined); // A reset is an end as good as any.
  socket.resume();
  await new Promise<void>((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", () => {
      resolve();
    });
  });
  if (first !== "") socket.write(first);
  return socket;
}

const openOf = (sockets: readonly Socket[]): number => sockets.filter(({ destroyed }) => !destroyed).length;

for (const [what, first] of Object.entries({
  "say nothing": "",
  "begin a request": "GET /v1/ws HTTP/1.1\r\nHost: x\r\n",
  "begin a line": "GE",
}))
  test(
    `connections that ${what} are counted by connectors and api, and released`,
    { timeout: 60_000 },
    async () => {
      for (const [name, door] of doors())
        for (let round = 0; round < 2; round += 1) {
          const sockets: Socket[] = [];
          for (let i = 0; i < MAX + 10; i += 1) sockets.push(await hold(portOf(door), first));
          await sleep(200);
          assert.equal(openOf(sockets), MAX, `${name}, round ${round}`);
          const elsewhere = await fetch(new URL("/v1/config", door.replace("ws", "http")));
          assert.ok([200, 404].includes(elsewhere.status), "another address is served");
          await elsewhere.text();
          for (const socket of sockets) socket.destroy();
          await sleep(200);
        }
    },
  );

test("closed requests and sockets leave no count behind", { timeout: 60_000 }, async () => {
  const [, door] = doors()[0] ?? ["", ""];
  const request = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
  for (let round = 0; round < 4; round += 1) {
    // One request, and more of them at once than are answered.
    const sockets = await Promise.all(
      Array.from({ length: MAX }, async (_, i) => hold(portOf(door), request.repeat(1 + (i % 3)))),
    );
    await sleep(300);
    assert.equal(openOf(sockets), 0, "each is answered or not, and ended");
  }
  for (let i = 0; i < 2 * MAX; i += 1) {
    const socket = new Raw(door);
    const token = mint(stack.secrets.signingKeyFile, { sub: "ann" });
    assert.equal((await socket.hello(token)).t, "welcome");
    socket.close();
    await socket.closed;
  }
  const sockets: Socket[] = [];
  for (let i = 0; i < MAX + 10; i += 1) sockets.push(await hold(portOf(door), ""));
  await sleep(200);
  assert.equal(openOf(sockets), MAX);
  for (const socket of sockets) socket.destroy();
  assert.ok((await metricOf(stack.connectors[0], "jichat_connector_connections_cut")) >= 10);
});

/** uWebSockets.js looks each 4 s for who has asked nothing for some 28; the api has 30 s for a request. */
const LINGER_MS = 40_000;

test(
  "a connection without a complete request is closed by connectors and api, whatever it trickles",
  { timeout: 2 * LINGER_MS },
  async () => {
    // Who was answered by the api may ask more on the same connection, and is told for how long it stays.
    const { headers } = await fetch(`${stack.apiUrl}/v1/config`);
    assert.equal(headers.get("keep-alive"), "timeout=65");
    const stayed = await Promise.all(
      doors().flatMap(([name, door], at) =>
        Object.entries(name === "api" ? LINGERING_UNANSWERED : LINGERING).map(async ([what, lingering]) => {
          const from = { port: portOf(door), host: "127.0.0.1", localAddress: `127.0.0.${3 + at}` };
          const hasEnded = await endsWithin(createConnection(from), lingering, LINGER_MS);
          return hasEnded ? [] : [`${name}: ${what}`];
        }),
      ),
    );
    assert.deepEqual(stayed.flat(), []);
  },
);
