import type { Figure } from "../figure.ts";
import { count, median, perSecond, range, shareOf, thrice } from "../figure.ts";
import type { Door } from "../generator/people.ts";
import { voids } from "../generator/load.ts";
import { generate } from "../generate.ts";
import { withLab } from "../lab.ts";
import { pin } from "../pin.ts";
import { startRaw } from "../raw/start.ts";

/** The frame of an echo, at the raw server and at ours. */
export const PING = JSON.stringify({ t: "ping", id: "p" });

export const echo: Figure = {
  name: "echo",
  what: "`ping` and `pong` of an authenticated socket, beside a raw echo",
  measure: async () =>
    withLab({}, async ({ door, stack }) => {
      const raw = await startRaw("echo");
      const pid = stack.connectors[0]?.pid ?? 0;
      const one = async (to: Door, server: number) =>
        generate("echo", { door: to, frame: PING, window: 20, ms: 3_000, pids: { server } });
      const pairs = await thrice(async () => [await one(raw.door, raw.pid), await one(door, pid)] as const);
      raw.stop();
      const ratios = pairs.map(([rawOne, ours]) => ours.perSecond / rawOne.perSecond);
      const [raws, ours] = [
        pairs.map(([first]) => first.perSecond),
        pairs.map(([, second]) => second.perSecond),
      ];
      return [
        {
          what: "echo of an authenticated no-op frame",
          target: "≥ 0.7 × raw uWebSockets.js",
          measured: `${median(ratios).toFixed(2)} ×`,
          share: shareOf(median(ratios), "≥", 0.7),
          runs: ratios,
          beside: `${count(median(ours))}/s beside ${count(median(raws))}/s${voids(pairs.flat())}`,
        },
      ];
    }),
};

export const connects: Figure = {
  name: "connects",
  what: "upgrade, `hello` with a JWT, `welcome`: all server processes on one core",
  measure: async () =>
    withLab({ isOneCore: true }, async ({ door, pids, generatorCpu }) => {
      const raw = await startRaw("token", door.signingKeyFile);
      await pin([raw.pid], 0);
      const how = { count: 16_000, width: 100 };
      const rawDoor = { ...raw.door, signingKeyFile: door.signingKeyFile };
      const pairs = await thrice(
        async () =>
          [
            await generate("connects", { ...how, door: rawDoor, pids: { server: raw.pid } }, generatorCpu),
            await generate("connects", { ...how, door, pids }, generatorCpu),
          ] as const,
      );
      raw.stop();
      const values = pairs.map(([, ours]) => perSecond([ours]));
      return [
        {
          what: "connects/s with JWT, server on one core",
          target: "≥ 2,500",
          measured: count(median(values)),
          share: shareOf(median(values), "≥", 2_500),
          runs: values,
          beside: `${range(values)}; raw upgrade and Ed25519 check ${count(median(pairs.map(([first]) => perSecond([first]))))}/s${voids(pairs.map(([, ours]) => ours))}`,
        },
      ];
    }),
};

export const group: Figure = {
  name: "group",
  what: "a group of 1,000 members who are all online",
  measure: async () =>
    withLab({}, async ({ door, pids }) => {
      const raw = await startRaw("fan");
      const args = { members: 1_000, window: 16, ms: 5_000 };
      const pairs = await thrice(
        async () =>
          [
            await generate("group", { ...args, door: raw.door, pids: { server: raw.pid } }),
            await generate("group", { ...args, door, pids }),
          ] as const,
      );
      raw.stop();
      const values = pairs.map(([, ours]) => ours.perSecond);
      const ratios = pairs.map(([first, ours]) => ours.perSecond / first.perSecond);
      const beside = `R1, fsync always; ${range(values)}; raw loop ${count(median(pairs.map(([first]) => first.perSecond)))}/s${voids(pairs.map(([, ours]) => ours))}`;
      return [
        {
          what: "group of 1,000 online members, deliveries",
          target: "≥ 60,000/s",
          measured: `${count(median(values))}/s`,
          share: shareOf(median(values), "≥", 60_000),
          runs: values,
          beside,
        },
        {
          what: "the same, beside a raw send loop of the prebuilt frame",
          target: "≥ 0.5 ×",
          measured: `${median(ratios).toFixed(2)} ×`,
          share: shareOf(median(ratios), "≥", 0.5),
          runs: ratios,
          beside,
        },
      ];
    }),
};

export const idle: Figure = {
  name: "idle",
  what: "memory of a connection that says nothing, at 8,000",
  measure: async () => {
    const few = 1_000;
    const many = 8_000;
    const pairs = await thrice(async () => {
      const raw = await startRaw("echo");
      const bare = await generate("idle", { door: raw.door, few, many, pid: raw.pid });
      raw.stop();
      const ours = await withLab({}, async ({ door, stack }) =>
        generate("idle", { door, few, many, pid: stack.connectors[0]?.pid ?? 0 }),
      );
      return [bare.bytes / 1_024, ours.bytes / 1_024] as const;
    });
    const more = pairs.map(([bare, ours]) => ours - bare);
    const kb = (value: number): string => `${value.toFixed(1)} KB`;
    return [
      {
        what: "idle authenticated connection (at 8,000)",
        target: "≤ raw uWebSockets.js + 3 KB",
        measured: `+ ${kb(median(more))}`,
        share: shareOf(Math.max(0.01, median(more)), "≤", 3),
        runs: more,
        beside: `raw ${kb(median(pairs.map(([bare]) => bare)))}, ours ${kb(median(pairs.map(([, ours]) => ours)))}; ${range(more, kb)}`,
      },
    ];
  },
};
