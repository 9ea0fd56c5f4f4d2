import type { Level } from "@jichat/log/level.ts";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { answerErrors, trace } from "./answers.ts";
import { answerByLevel } from "./answered.ts";
import { DOCS_POLICY, openEdges, servePage } from "./edges.ts";
import { openHttp } from "./http.ts";
import { nameClients } from "./client-names.ts";
import type { AccountParts, ProfileParts, UserParts } from "./routes/accounts.ts";
import { openAccountRoutes, openProfileRoutes, openUserRoutes } from "./routes/accounts.ts";
import type { ConversationParts, MessageParts } from "./routes/conversations.ts";
import { openConversationRoutes, openMessageRoutes } from "./routes/conversations.ts";
import type { PageSessionParts } from "./routes/page-session.ts";
import { openPageSessionRoutes } from "./routes/page-session.ts";
import type { PeopleParts } from "./routes/people.ts";
import { openPeopleRoutes } from "./routes/people.ts";
import type { VerbParts } from "./routes/verbs.ts";
import { openVerbRoutes } from "./routes/verbs.ts";
import "./request.ts";
import * as schemas from "./schemas.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";

const VERSION = "0.1.0";

/** The parts that the routes and the server need. */
export interface ServerParts
  extends
    AccountParts,
    ProfileParts,
    UserParts,
    PeopleParts,
    PageSessionParts,
    ConversationParts,
    MessageParts,
    VerbParts {
  readonly config: AccountParts["config"] & Pick<Config, "origins" | "trustProxy" | "webRoot" | "wsUrls">;
  readonly telemetry: Telemetry;
  /** The cluster's level. It decides which verbs are answered. */
  readonly level: Pick<Level, "current">;
  readonly accounts: AccountParts["accounts"];
  readonly index: UserParts["index"];
  readonly nameIndex: AccountParts["nameIndex"] & PeopleParts["nameIndex"];
  readonly revocations: ProfileParts["revocations"];
}

/** Builds the REST interface: routes, errors, documentation page and, if `webRoot` is set, the chat page. */
export async function buildServer(parts: ServerParts): Promise<FastifyInstance> {
  const { config, telemetry } = parts;
  const { app, answerOf } = openHttp(telemetry);
  nameClients(app, config.trustProxy);
  trace(app, telemetry);
  await openEdges(app, config);
  answerErrors(app, telemetry, answerOf);
  answerByLevel(app, parts);
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
  await app.register(async (routes) => openAccountRoutes(routes, parts));
  await app.register(async (routes) => openProfileRoutes(routes, parts));
  await app.register(async (routes) => openUserRoutes(routes, parts));
  await app.register(async (routes) => openPeopleRoutes(routes, parts));
  await app.register(async (routes) => openPageSessionRoutes(routes, parts));
  await app.register(async (routes) => openConversationRoutes(routes, parts));
  await app.register(async (routes) => openMessageRoutes(routes, parts));
  await app.register(async (routes) => openVerbRoutes(routes, parts));
  if (config.webRoot !== undefined) await servePage(app, config.webRoot);
  return app;
}
