import type { FastifyInstance } from "fastify";
import type { ProxyTrust } from "@jichat/edge/client-address.ts";
import { clientKey } from "@jichat/edge/client-address.ts";

/** Sets `request.ip` to the key for limits by address, as in the connector (`clientKey`). */
export function nameClients(app: FastifyInstance, trust: ProxyTrust): void {
  app.addHook("onRequest", async (request) => {
    const forwarded = [request.headers["x-forwarded-for"] ?? []].flat().join(",");
    Object.defineProperty(request, "ip", {
      value: clientKey(trust, request.socket.remoteAddress ?? "", forwarded),
    });
  });
}
