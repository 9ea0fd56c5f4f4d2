import type { FastifyInstance } from "fastify";
import type { Revocations } from "@jichat/identity/revocations.ts";
import { queryOf, readIdOf, readKeep } from "../readers.ts";
import type { PushEndings } from "../push-endings.ts";
import type { TokenCheckParts } from "../request.ts";
import { identityOf, requireToken } from "../request.ts";
import * as schemas from "../schemas.ts";
import type { SessionParts } from "../sessions.ts";
import { endAllSessions, endSession, listSessions } from "../sessions.ts";

/** Connectors of level 0 do not tell with which token a device came, and do not refuse an ended device. */
const SESSIONS_LEVEL = 1;

const ending = {
  keep: {
    type: "string",
    enum: ["current"],
    description:
      "`current`: the token of this request stays good, and the devices that have it stay connected",
  },
} as const;

export interface SessionRouteParts extends SessionParts, TokenCheckParts {
  readonly revocations: SessionParts["revocations"] & Pick<Revocations, "revokeToken">;
  readonly pushes: Pick<PushEndings, "withAll" | "withDevice" | "withOthers" | "withToken">;
}

/** Routes for signing out, and for the sessions of the caller's devices. */
export async function openSessionRoutes(app: FastifyInstance, parts: SessionRouteParts): Promise<void> {
  const { pushes } = parts;
  requireToken(app, parts);

  app.delete(
    "/v1/sessions",
    {
      schema: {
        operationId: "signOut",
        tags: ["sessions"],
        summary: "Signs out",
        description:
          "The token of this request is void, and so are its tickets and the sockets that it opened. Its devices " +
          "receive no pushes any more.",
        response: { 200: schemas.done("The token is void") },
      },
    },
    async (request) => {
      const identity = identityOf(request);
      await pushes.withToken(identity, async () => parts.revocations.revokeToken(identity));
      return {};
    },
  );

  app.get(
    "/v1/me/sessions",
    {
      config: { level: SESSIONS_LEVEL, refuses: ["level"] },
      schema: {
        operationId: "listSessions",
        tags: ["sessions"],
        summary: "One's own devices that are signed in",
        description:
          "Each device that is connected, or that may come back with the token or the tickets that it has; the " +
          "latest to connect first, 100 at most. A token that no device has connected with is not listed.",
        response: { 200: schemas.reply("SessionList", "The sessions") },
      },
    },
    async (request) => ({ items: await listSessions(parts, identityOf(request)) }),
  );

  app.delete(
    "/v1/me/sessions/:device",
    {
      config: { level: SESSIONS_LEVEL, refuses: ["level", "target", "change"] },
      schema: {
        operationId: "endSession",
        tags: ["sessions"],
        summary: "Ends the session of one device",
        description:
          "Its socket is closed with 4401, and nothing that was issued until now is accepted from it. Its token is " +
          "void, unless another device or this request has the same one. It receives no pushes any more, and if its " +
          "token ends, neither does what was registered with that, such as the browser of a tab.",
        params: schemas.object({ device: schemas.id }, ["device"]),
        response: { 200: schemas.done("The session is ended") },
      },
    },
    async (request) => {
      const identity = identityOf(request);
      const device = readIdOf(request.params, "device");
      await pushes.withDevice(identity, device, async (had) => endSession(parts, identity, device, had));
      return {};
    },
  );

  app.delete(
    "/v1/me/sessions",
    {
      config: { level: SESSIONS_LEVEL, refuses: ["level", "target", "change"] },
      schema: {
        operationId: "endAllSessions",
        tags: ["sessions"],
        summary: "Ends all sessions, listed or not",
        description:
          "Every token and ticket that was issued until now is void, and sockets are closed with 4401. With " +
          "`keep=current`, what has the token of this request goes on. Devices that end receive no pushes any more.",
        querystring: schemas.object(ending),
        response: { 200: schemas.done("The sessions are ended") },
      },
    },
    async (request) => {
      const keep = readKeep(queryOf(request, ending));
      const identity = identityOf(request);
      const end = async (): Promise<void> => endAllSessions(parts, identity, keep !== undefined);
      await (keep === undefined ? pushes.withAll(identity.user, end) : pushes.withOthers(identity, end));
      return {};
    },
  );
}
