import { ChatError } from "@jichat/protocol/errors.ts";
import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import { Closed } from "./closed.ts";
import type { Move } from "./move.ts";
import type { Welcomed } from "./surroundings.ts";

type Asked = Parameters<Welcomed["request"]>[0];

interface Where {
  readonly move: Pick<Move, "untilOver">;
  /** The present connection. */
  readonly current: () => Pick<Welcomed, "request"> | undefined;
  readonly over: () => ChatError | undefined;
}

/**
 * Asks the server. Rejects with what `over` says, or with UNAVAILABLE, if there is no connection or it is lost
 * meanwhile. What a move to another connector interrupts is asked again there, once.
 */
export async function ask(frame: Asked, where: Where, isRepeated = false): Promise<ServerFrame> {
  const { move, current, over } = where;
  await move.untilOver();
  const asked = current();
  if (asked === undefined) throw over() ?? new ChatError("UNAVAILABLE", "this device is offline");
  try {
    return await asked.request(frame);
  } catch (thrown) {
    if (!(thrown instanceof Closed)) throw thrown;
    await move.untilOver();
    const hasMoved = current() !== undefined && current() !== asked;
    if (hasMoved && !isRepeated) return await ask(frame, where, true);
    throw over() ?? new ChatError("UNAVAILABLE", "the connection was lost", { cause: thrown });
  }
}
