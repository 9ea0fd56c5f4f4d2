import type { Figure } from "../figure.ts";
import { median, shareOf } from "../figure.ts";
import { residentBytes } from "../generator/cpu.ts";
import { pause } from "../generator/load.ts";
import { generate } from "../generate.ts";
import { PAIRS, withLab } from "../lab.ts";

/** Half of the rate that such a machine must sustain. */
const RATE = 10_000;
const [IDLE, DEAF] = [8_000, 10];
/** The minutes in which bounded memories fill first: recent ids, ends of conversations, pools. */
const FILL_MINUTES = 4;
const MINUTES = 10;
/**
 * The log reaches its retained length within the time to fill, since nats-server's memory grows with the log.
 */
const TRIMMED = { TRIM_GRACE_MS: "60000", TRIM_EVERY_MS: "5000" };
const MINUTE_MS = 60_000;
const LOOK_MS = 5_000;
const MB = 1_048_576;

export const soak: Figure = {
  name: "soak",
  what: `${MINUTES} minutes at ${RATE} msg/s beside ${IDLE} idle sockets and ${DEAF} that never read, after ${FILL_MINUTES} to fill: resident memory`,
  measure: async (say) =>
    withLab({ env: TRIMMED }, async ({ door, pids }) => {
      const ms = (FILL_MINUTES + MINUTES) * MINUTE_MS;
      const slack = 4 * MINUTE_MS;
      const loads = Promise.all([
        generate("talk", { door, ...PAIRS, rate: RATE, ms, pids }, undefined, ms + slack),
        generate("hold", { door, idle: IDLE, deaf: DEAF, ms }, undefined, ms + slack),
      ]);
      // The promise is awaited below. A rejection before that must not end the process.
      loads.catch(() => undefined);
      const minutes: Record<string, number[]>[] = [];
      const end = performance.now() + ms;
      const names = Object.keys(pids);
      for (let minute = 0; performance.now() < end; minute += 1) {
        const looks: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
        for (let i = 0; i < MINUTE_MS / LOOK_MS; i += 1) {
          await pause(LOOK_MS);
          for (const [name, pid] of Object.entries(pids)) looks[name]?.push(residentBytes(pid) / MB);
        }
        minutes.push(looks);
        say(
          `  minute ${minute + 1}: ${names.map((name) => `${name} ${median(looks[name] ?? []).toFixed(0)}`).join(", ")} MB`,
        );
      }
      const [talked, held] = await loads;
      const growth = names.map((name) => {
        const after = minutes.slice(FILL_MINUTES).map((looks) => median(looks[name] ?? []));
        const [first = 1] = after;
        return { name, percent: 100 * (Math.max(...after) / first - 1) };
      });
      const worst = growth.toSorted((a, b) => b.percent - a.percent)[0] ?? { name: "none", percent: 0 };
      const { sent, acked, received, refused } = talked;
      // A refused message was reported to its sender, so it is not lost: a device would have sent it again.
      if (acked + refused !== sent || received !== acked || held.lost > 0)
        throw new Error(
          `of ${sent} messages ${acked} were acked, ${received} received and ${refused} refused; ${held.lost} idle sockets were lost`,
        );
      return [
        {
          what: `resident memory over ${MINUTES} minutes, of the process that grew most`,
          target: "flat within 10 %",
          measured: `${worst.name} + ${worst.percent.toFixed(1)} %`,
          share: worst.percent <= 0 ? 10 : shareOf(worst.percent, "≤", 10),
          runs: growth.map(({ percent }) => percent),
          beside: `R1, fsync always; ${growth.map(({ name, percent }) => `${name} ${percent.toFixed(1)} %`).join(", ")}; ${sent} messages, ${refused} refused, none lost; receive p99 ${talked.receive.p99.toFixed(0)} ms; ${held.closed} sockets that did not read were closed`,
        },
      ];
    }),
};
