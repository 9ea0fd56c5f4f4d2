import { ChatError } from "@jichat/protocol/errors.ts";
import type { ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import { Closed } from "./closed.ts";
import type { Move } from "./move.ts";
import type { Welcomed } from "./surroundings.ts";

type Asked = Parameters<Welcomed["request"]>[0];

/**
 * Asks the server. Rejects with what `over` says, or with UNAVAILABLE, if there is no connection or it is lost
 * meanwhile. What a move to another connector interrupts is asked again there, once.
 */
export async function ask(
  frame: Asked,
  move: Pick<Move, "untilOver">,
  current: () => Pick<Welcomed, "request"> | undefined,
  over: () => ChatError | undefined,
): Promise<ServerFrame> {
  await move.untilOver();
  for (let isFirst = true; ; isFirst = false) {
    const asked = current();
    if (asked === undefined) throw over() ?? new ChatError("UNAVAILABLE", "this device is offline");
    try {
      return await asked.request(frame);
    } catch (thrown) {
      if (!(thrown instanceof Closed)) throw thrown;
      await move.untilOver();
      if (!isFirst || current() === undefined || current() === asked)
        throw over() ?? new ChatError("UNAVAILABLE", "the connection was lost", { cause: thrown });
    }
  }
}
