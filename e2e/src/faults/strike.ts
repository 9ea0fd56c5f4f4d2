import { once } from "node:events";
import { createConnection } from "node:net";
import type { Change, Path } from "./network.ts";
import type { Fault } from "./matrix.ts";
import type { Host, Site } from "./site.ts";
import { HOSTS, NATS, PEOPLE } from "./site.ts";

const TEN_MINUTES = 600;
const STARTED_WITHIN_MS = 30_000;
const CUT: Path = { loss: 1 };
const BAD: Path = { loss: 0.03, delayMs: 50 };
const GOOD: Path = {};
const ANSWERED_WITHIN_MS = 2_000;

/** Undoes a fault. */
export type Heal = () => Promise<void>;

/** Causes a fault. Resolves once it is in effect. matrix.ts describes the kinds. */
export async function strike(site: Site, { kind, host }: Fault): Promise<Heal> {
  switch (kind) {
    case "kill":
      return kill(site, host);
    case "stop": {
      const part = site.part(host);
      part.signal("SIGSTOP");
      return async () => {
        part.signal("SIGCONT");
      };
    }
    case "cut":
      return spoil(site, waysOf(host, othersOf(host), "both"), CUT);
    case "split":
      return spoil(
        site,
        waysOf(
          host,
          NATS.filter((other) => other !== host),
          "both",
        ),
        CUT,
      );
    case "deaf":
      return spoil(site, waysOf(host, othersOf(host), "in"), CUT);
    case "mute":
      return spoil(site, waysOf(host, othersOf(host), "out"), CUT);
    case "slow":
      return spoil(site, waysOf(host, othersOf(host), "both"), BAD);
    case "power":
      return cutPower(site, host);
    case "full": {
      const disk = diskOf(site, host);
      await disk.fill();
      return async () => {
        disk.free();
      };
    }
    case "ahead":
      return setClock(site, host, TEN_MINUTES);
    case "behind":
      return setClock(site, host, -TEN_MINUTES);
    case "skewed":
      return async () => undefined; // The clock is off from the start (`initialSkew`), and stays so.
    case "flush":
      await flush(site);
      return async () => undefined;
  }
}

/** The seconds by which a host's clock is off from its start. */
export const initialSkew = ({ kind }: Fault, seed: number): number =>
  kind === "skewed" ? (seed % 2 === 0 ? TEN_MINUTES : -TEN_MINUTES) : 0;

const othersOf = (host: Host): readonly string[] => [PEOPLE, ...HOSTS].filter((other) => other !== host);

function waysOf(
  host: string,
  others: readonly string[],
  which: "in" | "out" | "both",
): readonly (readonly [string, string])[] {
  return others.flatMap((other) => [
    ...(which === "in" ? [] : [[host, other] as const]),
    ...(which === "out" ? [] : [[other, host] as const]),
  ]);
}

async function spoil(site: Site, ways: readonly (readonly [string, string])[], path: Path): Promise<Heal> {
  const all = (to: Path): readonly Change[] => ways.map(([from, towards]) => [from, towards, to] as const);
  await site.network.change(all(path));
  return async () => site.network.change(all(GOOD));
}

async function kill(site: Site, host: Host): Promise<Heal> {
  const part = site.part(host);
  await part.kill();
  return async () => {
    part.start();
    await part.ready(STARTED_WITHIN_MS);
  };
}

/** The network is cut first, so that no other host hears of the loss. The disk keeps what was synced. */
async function cutPower(site: Site, host: Host): Promise<Heal> {
  const connect = await spoil(site, waysOf(host, othersOf(host), "both"), CUT);
  const disk = site.disks.get(host);
  await disk?.cutPower();
  const start = await kill(site, host);
  return async () => {
    await disk?.unmount();
    await disk?.mount();
    await connect();
    await start();
  };
}

function diskOf(site: Site, host: Host) {
  const disk = site.disks.get(host);
  if (disk === undefined) throw new Error(`${host} has no disk of its own`);
  return disk;
}

async function setClock(site: Site, host: Host, aheadSeconds: number): Promise<Heal> {
  const clock = site.clocks.get(host);
  if (clock === undefined) throw new Error(`${host} has no clock of its own`);
  clock.set(aheadSeconds);
  return async () => {
    clock.set(0);
  };
}

async function flush({ redis: { host, port } }: Site): Promise<void> {
  const socket = createConnection({ host, port });
  try {
    socket.write("FLUSHALL\r\n");
    const [answer] = (await once(socket, "data", {
      signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
    })) as [Buffer];
    if (!answer.toString().startsWith("+OK"))
      throw new Error(`Redis answered FLUSHALL with ${answer.toString()}`);
  } finally {
    socket.destroy();
  }
}
