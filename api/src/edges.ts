import { constants } from "node:zlib";
import compress from "@fastify/compress";
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import type { Config } from "./config.ts";

/** Nothing but our own files and sockets: what a message carries can run nothing. */
const policyOf = (wsUrls: readonly string[]) => ({
  "default-src": ["'self'"],
  "connect-src": ["'self'", ...new Set(wsUrls.map((url) => new URL(url).origin))],
  "img-src": ["'self'", "data:"],
  "object-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'none'"],
});

/** The browsable documentation sets styles in its elements. */
export const DOCS_POLICY: Record<string, string[]> = {
  ...policyOf([]),
  "style-src": ["'self'", "'unsafe-inline'"],
};

const YEAR_SECONDS = 31_536_000;

/**
 * What browsers are told: which pages may call us, what ours may load, how long to keep it. `docs/adr/0014`
 * says why by plugins.
 */
export async function openEdges(
  app: FastifyInstance,
  { wsUrls, origins }: Pick<Config, "origins" | "wsUrls">,
): Promise<void> {
  await app.register(helmet, {
    // Without `upgrade-insecure-requests`: it would break every page that is served by plain HTTP.
    contentSecurityPolicy: { useDefaults: false, directives: policyOf(wsUrls) },
    strictTransportSecurity: { maxAge: YEAR_SECONDS, includeSubDomains: false },
    referrerPolicy: { policy: "no-referrer" },
    frameguard: { action: "deny" },
  });
  if (origins.length > 0)
    await app.register(cors, {
      origin: origins.includes("*") ? "*" : [...origins],
      methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
      allowedHeaders: ["authorization", "content-type"],
      exposedHeaders: ["traceparent", "retry-after"],
      maxAge: 600,
      strictPreflight: false,
    });
  // Files alone: the length of a compressed answer can tell a secret beside what a stranger wrote.
  app.addHook("onRoute", (route) => {
    if (route.url.startsWith("/v1/")) route.compress = false;
  });
  await app.register(compress, {
    encodings: ["br", "gzip"],
    brotliOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } },
    // A body that is small on its way and large in memory is nothing that we take.
    globalDecompression: false,
  });
  app.addHook("onRequest", async (request, reply) => {
    if (request.url.startsWith("/v1/")) void reply.header("cache-control", "no-store");
  });
}

/** A name that changes with what the file has. */
const HASHED = /-[A-Z0-9]{8}\.(js|css)(\.map)?$/;

export async function servePage(app: FastifyInstance, root: string): Promise<void> {
  await app.register(fastifyStatic, {
    root,
    prefix: "/",
    cacheControl: false,
    // A part of a compressed file is no part of the file.
    acceptRanges: false,
    setHeaders: (reply, path) => {
      void reply.header(
        "cache-control",
        HASHED.test(path) ? `public, max-age=${YEAR_SECONDS}, immutable` : "no-cache",
      );
    },
  });
}
