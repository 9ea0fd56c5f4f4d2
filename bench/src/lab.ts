import type { Stack } from "@jichat/testkit/local/stack.ts";
import type { ThrowawayOptions } from "@jichat/testkit/local/throwaway.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import type { Pids } from "./generator/cpu.ts";
import type { SignedDoor } from "./generator/people.ts";
import { generate } from "./generate.ts";
import { pin } from "./pin.ts";

/**
 * A cluster to be measured. By default it has R1, fsync always and `PARTITIONS` partitions. Limits per user
 * and address are raised out of the way.
 */
export interface Lab {
  readonly stack: Stack;
  readonly door: SignedDoor;
  /** Every server process by name. */
  readonly pids: Pids;
  /** The CPU that only the generator uses. Undefined means that all processes share all CPUs. */
  readonly generatorCpu: number | undefined;
}

export interface LabOptions extends Omit<ThrowawayOptions, "env"> {
  readonly env?: Readonly<Record<string, string>>;
  /** Puts all server processes on CPU 0, and the generator on CPU 1. */
  readonly isOneCore?: boolean;
  /** More server processes, such as the caller's own NATS cluster. */
  readonly morePids?: Pids;
}

const LIMITS = {
  MESSAGES_PER_SECOND: "100000",
  FRAMES_PER_SECOND: "100000000",
  DEVICES_PER_USER_MAX: "1000000",
  BYTES_PER_SECOND: "1073741824",
  HANDSHAKES_PER_SECOND: "100000",
  SOCKETS_PER_ADDRESS_MAX: "1000000",
};
/** Registrations for push go through the api, thousands from one address. */
const API_LIMITS = { REQUESTS_PER_SECOND: "100000" };
/**
 * Two partitions for each core of the machine that the targets are for. The environment's `PARTITIONS`
 * overrides it. A cluster's own default is 16.
 */
export const PARTITIONS = process.env["PARTITIONS"] ?? "4";
const WARM_RATE = 300;
const WARM_MS = 3_000;
export const PAIRS = { people: 200, conversations: 100 };

/** Starts the lab, warms it up, and removes it after `act`. */
export async function withLab<T>(
  { env = {}, isOneCore = false, morePids = {}, ...options }: LabOptions,
  act: (lab: Lab) => Promise<T>,
): Promise<T> {
  const { stack, destroy } = await startThrowaway({
    fsync: "always",
    ...options,
    env: { "*": { PARTITIONS, ...env }, connector: LIMITS, api: API_LIMITS },
  });
  try {
    const pids = {
      ...Object.fromEntries(
        stack.parts.flatMap(({ spec, pid }): [string, number][] =>
          pid === undefined ? [] : [[spec.name, pid]],
        ),
      ),
      ...morePids,
    };
    if (isOneCore) await pin(Object.values(pids), 0);
    const door = { urls: stack.wsUrls, signingKeyFile: stack.secrets.signingKeyFile };
    const lab = { stack, door, pids, generatorCpu: isOneCore ? 1 : undefined };
    // Creates the conversations, and warms up the code.
    await generate("talk", { door, ...PAIRS, rate: WARM_RATE, ms: WARM_MS, pids: {} });
    return await act(lab);
  } finally {
    await destroy();
  }
}
