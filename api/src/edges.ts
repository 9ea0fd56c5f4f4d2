import { constants } from "node:zlib";
import compress from "@fastify/compress";
import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import type { Config } from "./config.ts";

/** Only our own files and sockets are allowed, so the content of a message cannot run code. */
const policyOf = (wsUrls: readonly string[]) => ({
  "default-src": ["'self'"],
  "connect-src": ["'self'", ...new Set(wsUrls.map((url) => new URL(url).origin))],
  "img-src": ["'self'", "data:"],
  "object-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'none'"],
});

/** The policy of the API documentation pages, which set inline styles. */
export const DOCS_POLICY: Record<string, string[]> = {
  ...policyOf([]),
  "style-src": ["'self'", "'unsafe-inline'"],
};

const YEAR_SECONDS = 31_536_000;

/**
 * Sets headers for browsers: which pages may call the api, what our page may load, and caching. docs/adr/0014
 * explains why plugins do this.
 */
export async function openEdges(
  app: FastifyInstance,
  { wsUrls, origins }: Pick<Config, "origins" | "wsUrls">,
): Promise<void> {
  await app.register(helmet, {
    // No `upgrade-insecure-requests`: it would break every page served over plain HTTP.
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
  // Only files are compressed. The length of a compressed answer could reveal a secret that stands beside an
  // attacker's text.
  app.addHook("onRoute", (route) => {
    if (route.url.startsWith("/v1/")) route.compress = false;
  });
  await app.register(compress, {
    encodings: ["br", "gzip"],
    brotliOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } },
    // Compressed request bodies are not accepted: a small one may be large in memory.
    globalDecompression: false,
  });
  app.addHook("onRequest", async (request, reply) => {
    if (request.url.startsWith("/v1/")) void reply.header("cache-control", "no-store");
  });
}

/** A file name that contains a hash of the content. */
const HASHED = /-[A-Z0-9]{8}\.(js|css)(\.map|\.br|\.gz)?$/;

/**
 * Serves the built web page. Files with a hashed name are cached for a year, others are always revalidated.
 */
export async function servePage(app: FastifyInstance, root: string): Promise<void> {
  await app.register(fastifyStatic, {
    root,
    prefix: "/",
    // The build has `.br` and `.gz` beside each file, smaller than what can be made for each reader.
    preCompressed: true,
    cacheControl: false,
    // A range of a compressed file is not a range of the file.
    acceptRanges: false,
    setHeaders: (reply, path) => {
      void reply.header(
        "cache-control",
        HASHED.test(path) ? `public, max-age=${YEAR_SECONDS}, immutable` : "no-cache",
      );
    },
  });
}
