import type { Level } from "@jichat/log/level.ts";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { answerErrors, trace } from "./answers.ts";
import { answerByLevel } from "./answered.ts";
import { DOCS_POLICY, openEdges, servePage } from "./edges.ts";
import { openHttp } from "./http.ts";
import { nameClients } from "./client-names.ts";
import type { AccountParts, ProfileParts } from "./routes/accounts.ts";
import { openAccountRoutes, openProfileRoutes } from "./routes/accounts.ts";
import type { ConversationParts, MessageParts } from "./routes/conversations.ts";
import { openConversationRoutes, openMessageRoutes } from "./routes/conversations.ts";
import type { PageSessionParts } from "./routes/page-session.ts";
import { openPageSessionRoutes } from "./routes/page-session.ts";
import type { PeopleParts } from "./routes/people.ts";
import { openPeopleRoutes } from "./routes/people.ts";
import type { PushRouteParts } from "./routes/push.ts";
import { openPushRoutes } from "./routes/push.ts";
import type { UserParts } from "./routes/users.ts";
import { openUserRoutes } from "./routes/users.ts";
import type { VerbParts } from "./routes/verbs.ts";
import { openVerbRoutes } from "./routes/verbs.ts";
import "./request.ts";
import { COMPONENTS } from "./components.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import { OPENAPI, collectRefusals, withErrors } from "./openapi-document.ts";
import type { SessionRouteParts } from "./routes/sessions.ts";
import { openSessionRoutes } from "./routes/sessions.ts";
import * as schemas from "./schemas.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";

const VERSION = "0.1.0";

/** The parts that the routes and the server need. */
export interface ServerParts
  extends
    AccountParts,
    ProfileParts,
    SessionRouteParts,
    UserParts,
    PeopleParts,
    PushRouteParts,
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
  readonly revocations: ProfileParts["revocations"] &
    PushRouteParts["revocations"] &
    SessionRouteParts["revocations"];
  readonly pushes: ProfileParts["pushes"] & SessionRouteParts["pushes"];
  readonly nameIndex: AccountParts["nameIndex"] & PeopleParts["nameIndex"];
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
  const refusals = collectRefusals(app);
  for (const [$id, schema] of Object.entries(COMPONENTS)) app.addSchema({ $id, ...schema });
  await app.register(swagger, {
    openapi: OPENAPI(VERSION),
    refResolver: { buildLocalReference: ({ $id }) => $id as string },
    transformObject: (made) =>
      "openapiObject" in made
        ? withErrors(made.openapiObject as OpenApiDocument, refusals)
        : made.swaggerObject,
  });
  await app.register(swaggerUi, { routePrefix: "/docs", staticCSP: DOCS_POLICY });
  app.get("/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  app.get(
    "/v1/config",
    {
      schema: {
        operationId: "getConfig",
        tags: ["service"],
        summary: "Where clients connect",
        description: "Needs no token. Any of the URLs will do.",
        security: [],
        response: { 200: schemas.reply("ClientConfig", "Where to connect") },
      },
    },
    async () => ({ ws: config.wsUrls, version: VERSION }),
  );
  await app.register(async (routes) => openAccountRoutes(routes, parts));
  await app.register(async (routes) => openProfileRoutes(routes, parts));
  await app.register(async (routes) => openSessionRoutes(routes, parts));
  await app.register(async (routes) => openUserRoutes(routes, parts));
  await app.register(async (routes) => openPeopleRoutes(routes, parts));
  await app.register(async (routes) => openPushRoutes(routes, parts));
  await app.register(async (routes) => openPageSessionRoutes(routes, parts));
  await app.register(async (routes) => openConversationRoutes(routes, parts));
  await app.register(async (routes) => openMessageRoutes(routes, parts));
  await app.register(async (routes) => openVerbRoutes(routes, parts));
  if (config.webRoot !== undefined) await servePage(app, config.webRoot);
  return app;
}
