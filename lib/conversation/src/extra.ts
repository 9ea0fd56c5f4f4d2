import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import { KINDS, kindOf } from "./tables.ts";

/** Fields of events for which tables have columns of their own. */
const COLUMNS: ReadonlySet<string> = new Set(["body", "replyTo", "mentions", "target", "users", "name"]);
/** The same of the table `lifecycle`. */
const FOLDED_COLUMNS: ReadonlySet<string> = new Set(["users", "name"]);

const namesBeyond = (columns: ReadonlySet<string>): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.entries(KINDS).map(([kind, { fields }]) => [
      kind,
      Object.keys(fields).filter((name) => !columns.has(name)),
    ]),
  );
const EXTRAS = namesBeyond(COLUMNS);
const FOLDED_EXTRAS = namesBeyond(FOLDED_COLUMNS);

type Extras = Readonly<Record<string, readonly string[]>>;

function jsonOf(event: InnerEvent, extras: Extras): string {
  const names = kindOf(event.kind) === undefined ? [] : (extras[event.kind] ?? []);
  if (names.length === 0) return "";
  const values = event as unknown as Readonly<Record<string, unknown>>;
  const some = Object.fromEntries(
    names.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  );
  return Object.keys(some).length === 0 ? "" : JSON.stringify(some);
}

/** What an event has beyond the columns of `events`, as compact JSON; empty where there is nothing. */
export const extraOf = (event: InnerEvent): string => jsonOf(event, EXTRAS);

/** The same for a row of `lifecycle`. */
export const foldedExtraOf = (event: InnerEvent): string => jsonOf(event, FOLDED_EXTRAS);

/**
 * The fields in such a text. One that is not ours has none: a page must not fail for one row, and `verify`
 * finds that the row is not what the log says.
 */
export function fieldsOfExtra(extra: string): Partial<InnerEvent> {
  if (!extra.startsWith("{")) return {};
  try {
    return JSON.parse(extra) as Partial<InnerEvent>;
  } catch {
    return {};
  }
}
