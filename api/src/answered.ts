import type { FastifyInstance } from "fastify";
import { checkAnswered } from "@jichat/conversation/client-frame.ts";
import type { VerbName } from "@jichat/conversation/tables.ts";
import type { Level } from "@jichat/log/level.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The verb that a route runs. Absent for routes without a verb. */
    readonly verb?: VerbName;
    /** The lowest level of the cluster at which a route without a verb is answered. Default: 0. */
    readonly level?: number;
  }
}

/** Routes above the cluster's level answer FRAME_UNKNOWN, before the request is read. */
export function answerByLevel(
  app: FastifyInstance,
  { level }: { readonly level: Pick<Level, "current"> },
): void {
  app.addHook("onRequest", async (request) => {
    const { verb, level: least = 0 } = request.routeOptions.config;
    if (verb !== undefined) checkAnswered(verb, level.current);
    if (least > level.current)
      throw new ChatError("FRAME_UNKNOWN", "this is answered once the upgrade of the cluster is finished");
  });
}
