import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import { KINDS, kindOf } from "./tables.ts";

/** Fields of events that have columns of their own in the table `events`. */
const COLUMNS: ReadonlySet<string> = new Set(["body", "replyTo", "mentions", "target", "users", "name"]);
/** The same for the table `lifecycle`. */
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

/** Fields of an event that have no column in `events`, as compact JSON; empty if there are none. */
export const extraOf = (event: InnerEvent): string => jsonOf(event, EXTRAS);

/** The same for a row of `lifecycle`. */
export const foldedExtraOf = (event: InnerEvent): string => jsonOf(event, FOLDED_EXTRAS);

/**
 * Parses such a text. A text that is not JSON has no fields: one bad row must not fail a page, and `verify`
 * finds that the row differs from the log.
 */
export function fieldsOfExtra(extra: string): Partial<InnerEvent> {
  if (!extra.startsWith("{")) return {};
  try {
    return JSON.parse(extra) as Partial<InnerEvent>;
  } catch {
    return {};
  }
}
