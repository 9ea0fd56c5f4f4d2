import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { answerErrors, trace } from "./answers.ts";
import { answerByLevel } from "./answered.ts";
import { DOCS_POLICY, openEdges, servePage } from "./edges.ts";
import { openHttp } from "./http.ts";
import { nameClients } from "./client-names.ts";
import { openAccountRoutes, openProfileRoutes, openUserRoutes } from "./routes/accounts.ts";
import { openConversationRoutes, openMessageRoutes } from "./routes/conversations.ts";
import "./request.ts";
import * as schemas from "./schemas.ts";
import type { World } from "./world.ts";

export const VERSION = "0.1.0";

/**
 * The REST interface: its routes, its errors, its page of documentation and, where it is built, the chat
 * page.
 */
export async function buildServer(world: World): Promise<FastifyInstance> {
  const { config } = world;
  const { app, answerOf } = openHttp(world);
  nameClients(app, config.trustProxy);
  trace(app, world);
  await openEdges(app, config);
  answerErrors(app, world, answerOf);
  answerByLevel(app, world);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "JiChat",
        version: VERSION,
        description:
          "REST for bots, back ends and sign-in. Live messages come over the WebSocket that /v1/config names.",
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
      security: [{ token: [] }],
    },
  });
  await app.register(swaggerUi, { routePrefix: "/docs", staticCSP: DOCS_POLICY });
  app.get("/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  app.get(
    "/v1/config",
    {
      schema: {
        summary: "Where clients connect",
        security: [],
        response: {
          200: schemas.reply(
            { ws: { type: "array", items: { type: "string" } }, version: { type: "string" } },
            ["ws", "version"],
          ),
        },
      },
    },
    async () => ({ ws: config.wsUrls, version: VERSION }),
  );
  await app.register(async (routes) => openAccountRoutes(routes, world));
  await app.register(async (routes) => openProfileRoutes(routes, world));
  await app.register(async (routes) => openUserRoutes(routes, world));
  await app.register(async (routes) => openConversationRoutes(routes, world));
  await app.register(async (routes) => openMessageRoutes(routes, world));
  if (config.webRoot !== undefined) await servePage(app, config.webRoot);
  return app;
}
