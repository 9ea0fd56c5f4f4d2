import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError, ERRORS } from "@jichat/protocol/errors.ts";
import type { TokenCheckParts } from "../request.ts";
import { identityOf, requireToken } from "../request.ts";
import * as schemas from "../schemas.ts";

/** The only path that a browser sends the cookie to. No other route, and no connector, reads a cookie. */
const PATH = "/v1/page-session";
const COOKIE = "jichat-session";
/**
 * A browser lets a page of another origin set this header only after a preflight, which never allows it: so
 * a request that has it is one of our own page.
 */
const OWN_PAGE = "jichat-page";

export interface PageSessionParts extends TokenCheckParts {
  readonly clock: Pick<Clock, "now">;
}

/**
 * Routes by which our page keeps its sign-in over a reload. The token is in the page's memory only; the
 * browser keeps it in a cookie that no script can read, and these routes exchange one for the other.
 */
export async function openPageSessionRoutes(app: FastifyInstance, parts: PageSessionParts): Promise<void> {
  app.addHook("onRequest", async (request) => {
    refuseOthers(request);
  });

  app.post(
    PATH,
    {
      config: { refuses: ["rights", "limited"] },
      schema: {
        operationId: "readPageSession",
        tags: ["sessions"],
        summary: "The token of the page's cookie",
        description: "For the page of this origin alone. The answer is empty if nobody is signed in.",
        security: [],
        response: { 200: schemas.reply("PageSession", "The token, if somebody is signed in") },
      },
    },
    async (request, reply) => {
      const token = cookieOf(request);
      if (token === undefined) return {};
      try {
        const { user, expiresAt } = await parts.tokens.verify(token);
        return { user, token, expiresAt };
      } catch (error) {
        if (!(error instanceof ChatError) || ERRORS[error.code].http !== 401) throw error;
        forget(request, reply); // The token has ended, or was revoked.
        return {};
      }
    },
  );

  app.delete(
    PATH,
    {
      config: { refuses: ["rights", "limited"] },
      schema: {
        operationId: "endPageSession",
        tags: ["sessions"],
        summary: "Forgets the page's cookie",
        description: "For the page of this origin alone. The token stays valid: sign out to end it.",
        security: [],
        response: { 200: schemas.done("The cookie is forgotten") },
      },
    },
    async (request, reply) => {
      forget(request, reply);
      return {};
    },
  );

  await app.register(async (behindToken) => {
    requireToken(behindToken, parts);
    behindToken.put(
      PATH,
      {
        config: { refuses: ["rights"] },
        schema: {
          operationId: "keepPageSession",
          tags: ["sessions"],
          summary: "Keeps the token of this request in the page's cookie",
          description: "For the page of this origin alone. Scripts cannot read the cookie.",
          response: { 200: schemas.done("The cookie is set") },
        },
      },
      async (request, reply) => {
        const [, token = ""] = (request.headers.authorization ?? "").split(" ");
        const leftMs = identityOf(request).expiresAt - parts.clock.now();
        keep(request, reply, { token, seconds: Math.max(0, Math.floor(leftMs / 1_000)) });
        return {};
      },
    );
  });
}

/** Throws FORBIDDEN unless the request is one that only our own page can make. */
function refuseOthers({ headers }: FastifyRequest): void {
  const site = headers["sec-fetch-site"];
  if (headers[OWN_PAGE] === undefined || (site !== undefined && site !== "same-origin"))
    throw new ChatError(
      "FORBIDDEN",
      `only the page of this origin calls ${PATH}, with the header ${OWN_PAGE}`,
    );
}

/** The cookie's value. Browsers send each cookie once; of several, the first one counts. */
function cookieOf({ headers }: FastifyRequest): string | undefined {
  const start = `${COOKIE}=`;
  return headers.cookie
    ?.split(";")
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(start))
    ?.slice(start.length);
}

const forget = (request: FastifyRequest, reply: FastifyReply): void => {
  keep(request, reply, { token: "", seconds: 0 });
};

/**
 * `Secure` where the browser has the page by HTTPS, which it says itself in `Origin`. Without HTTPS, a
 * browser would drop a cookie with `Secure`.
 */
function keep(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { token, seconds }: { readonly token: string; readonly seconds: number },
): void {
  const secure = headers.origin?.startsWith("https://") === true ? "; Secure" : "";
  void reply.header(
    "set-cookie",
    `${COOKIE}=${token}; Path=${PATH}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`,
  );
}
