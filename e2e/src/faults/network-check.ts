import { spawn } from "node:child_process";
import { once } from "node:events";
import { createConnection } from "node:net";
import { until } from "@jichat/testkit/until.ts";
import { endWithInput } from "./guest.ts";
import { NamespaceNetwork } from "./network.ts";
import { ProxyNetwork } from "./proxies.ts";

/** Checks what a network does to a connection between two hosts, and prints the result. */
export interface Seen {
  /** The milliseconds of a round trip: in a healthy network, and with an extra 150 ms one way. */
  readonly good: number;
  readonly delayed: number;
  /** Whether a word came back within a second over a cut path, and after the heal. */
  readonly cutThere: boolean;
  readonly healed: boolean;
  readonly cutBack: boolean;
  readonly healedAgain: boolean;
}

const PORT = 7_077;
const HEARD_MS = 1_000;
const HEALED_MS = 5_000;

endWithInput();
const [, , over] = process.argv;
const network = over === "namespaces" ? await NamespaceNetwork.open("here", ["there"]) : new ProxyNetwork();
const { host, enter } = network.place("there");
const [program, ...args] = [
  ...enter,
  process.execPath,
  "-e",
  `require("node:net").createServer((socket) => socket.pipe(socket)).listen(${PORT}, "${host}", () => console.log("up"))`,
];
const echo = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
await once(echo.stdout, "data");
const [address = "", port = ""] = (await network.endpoint("here", "there", PORT)).split(":");
const socket = createConnection(Number(port), address);
let heard = "";
socket.setNoDelay(true).on("data", (bytes: Buffer) => {
  heard += bytes.toString();
});
let said = 0;

/** Sends a word. Resolves with the milliseconds until it is back, or undefined if that takes too long. */
async function say(withinMs: number): Promise<number | undefined> {
  said += 1;
  const word = `<${said}>`;
  const started = performance.now();
  socket.write(word);
  return until("an echo", withinMs, () => heard.includes(word), 1).then(
    () => performance.now() - started,
    () => undefined,
  );
}

const isHealed = async (): Promise<boolean> =>
  until("what was said meanwhile", HEALED_MS, () => heard.includes(`<${said}>`), 10).catch(() => false);

await say(HEARD_MS);
const good = (await say(HEARD_MS)) ?? Number.NaN;
await network.change([["here", "there", { delayMs: 150 }]]);
const delayed = (await say(HEARD_MS)) ?? Number.NaN;
await network.change([
  ["here", "there", { loss: 1 }],
  ["there", "here", {}],
]);
const cutThere = (await say(HEARD_MS)) !== undefined;
await network.change([["here", "there", {}]]);
const healed = await isHealed();
await network.change([["there", "here", { loss: 1 }]]);
const cutBack = (await say(HEARD_MS)) !== undefined;
await network.change([["there", "here", {}]]);
const healedAgain = await isHealed();
echo.kill("SIGKILL");
socket.destroy();
network.close();
const seen: Seen = { good, delayed, cutThere, healed, cutBack, healedAgain };
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
