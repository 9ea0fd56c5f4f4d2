import type { FastifyInstance } from "fastify";
import { checkAnswered } from "@jichat/protocol/level.ts";
import type { World } from "./world.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The verb of a conversation that a route stands for; absent where it stands for none. */
    readonly verb?: string;
  }
}

/** Routes of verbs above the cluster's level answer FRAME_UNKNOWN, before anything of the request is read. */
export function answerByLevel(app: FastifyInstance, { level }: Pick<World, "level">): void {
  app.addHook("onRequest", async (request) => {
    checkAnswered(request.routeOptions.config.verb, level.current);
  });
}
