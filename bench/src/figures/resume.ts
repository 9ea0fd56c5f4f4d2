import type { Figure } from "../figure.ts";
import { count, longest, median, perSecond, range, shareOf, thrice } from "../figure.ts";
import { voids } from "../generator/load.ts";
import { generateTogether } from "../generate.ts";
import { withLab } from "../lab.ts";
import { startRaw } from "../raw/start.ts";

const DEVICES = 5_000;
/** The number of concurrent handshakes, over all generators. */
const WIDTH = 256;
/**
 * Two generators: a single one reaches the limit of its core in the raw handshakes, and would measure itself.
 */
const CROWDS = ["left", "right"];
/**
 * Runs that are not counted: until V8 has fully compiled a handshake, each run is faster than the one before.
 */
const WARMING = 3;
const COUNTED = 5;
/** The first sync of a device asks storage for everything, so 5,000 first syncs take a minute or two. */
const LIMIT_MS = 300_000;

const HALF = { devices: DEVICES / CROWDS.length, width: WIDTH / CROWDS.length };

export const resume: Figure = {
  name: "resume",
  what: "5,000 devices that lost their sockets come back at once",
  measure: async () =>
    withLab({}, async ({ door, pids }) => {
      const args = { ...HALF, door, pids, times: WARMING + COUNTED };
      const crowds = await generateTogether(
        "resume",
        CROWDS.map((crowd) => ({ ...args, crowd })),
        LIMIT_MS,
      );
      const all = Array.from({ length: args.times }, (_, at) =>
        longest(crowds.flatMap((crowd) => crowd[at] ?? [])),
      ).map((ms) => ms / 1_000);
      const runs = all.slice(WARMING);
      const raw = await startRaw("ticket", "bench");
      const raws = await thrice(async () =>
        generateTogether(
          "tickets",
          CROWDS.map(() => ({ ...HALF, door: raw.door, clusterKey: "bench", pids: {}, count: HALF.devices })),
        ),
      );
      raw.stop();
      const rate = median(raws.map(perSecond));
      const limit = (1.5 * DEVICES) / rate;
      const seconds = (value: number): string => `${value.toFixed(2)} s`;
      const counted = crowds.flatMap((crowd) => crowd.slice(WARMING));
      return [
        {
          what: "5,000 devices resuming at once",
          target: "all back and level in ≤ 1.5 × (5,000 / raw rate of upgrade and ticket check)",
          measured: `${seconds(median(runs))}, ${((1.5 * median(runs)) / limit).toFixed(1)} ×`,
          share: shareOf(median(runs), "≤", limit),
          runs,
          beside: `${range(runs, seconds)}, before it was warm ${all.slice(0, WARMING).map(seconds).join(", ")}; raw ${count(rate)}/s${voids([...raws.flat(), ...counted])}`,
        },
      ];
    }),
};
