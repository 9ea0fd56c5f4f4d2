import type { NatsConnection } from "@nats-io/transport-node";
import { readAccount } from "@jichat/protocol/bus/account.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { AgedMap } from "./aged-map.ts";
import type { DisplayNames, Log } from "./ports.ts";

const NAMES_MAX = 50_000;
const AGE_MS = 60_000;
const TIMEOUT_MS = 1_000;

export interface NamesParts {
  readonly nats: NatsConnection;
  readonly names: Names;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
}

/** Display names of users, from the accounts, at most a minute old. */
export async function openDisplayNames({ nats, names, clock, log }: NamesParts): Promise<DisplayNames> {
  const bucket = await Bucket.open(nats, names.accounts, TIMEOUT_MS);
  const read = async (user: string): Promise<string | undefined> => {
    const entry = await bucket.kv.get(`u.${user}`);
    return entry?.operation === "PUT" ? readAccount(entry.string()).name : undefined;
  };
  const known = new AgedMap(read, { max: NAMES_MAX, ageMs: () => AGE_MS, now: () => clock.monotonic() });
  return {
    of: async (user) => {
      try {
        return await known.of(user);
      } catch (error) {
        log.warn({ err: error }, "a display name cannot be read: the push shows the user's id");
        return undefined;
      }
    },
  };
}
