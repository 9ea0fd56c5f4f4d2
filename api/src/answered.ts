import type { FastifyInstance } from "fastify";
import { checkAnswered } from "@jichat/conversation/client-frame.ts";
import type { VerbName } from "@jichat/conversation/tables.ts";
import type { Level } from "@jichat/log/level.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The verb that a route runs. Absent for routes without a verb. */
    readonly verb?: VerbName;
  }
}

/** Routes of verbs above the cluster's level answer FRAME_UNKNOWN, before the request is read. */
export function answerByLevel(
  app: FastifyInstance,
  { level }: { readonly level: Pick<Level, "current"> },
): void {
  app.addHook("onRequest", async (request) => {
    const { verb } = request.routeOptions.config;
    if (verb !== undefined) checkAnswered(verb, level.current);
  });
}
