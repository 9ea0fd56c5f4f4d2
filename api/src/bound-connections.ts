import type { Server } from "node:http";
import type { ProxyTrust } from "@jichat/edge/client-address.ts";
import { peerKey } from "@jichat/edge/client-address.ts";
import { Connections } from "@jichat/edge/connections.ts";
import { connectionsMax } from "@jichat/runtime/descriptors.ts";

/** Closes a new connection at once if there are too many, whether or not it ever sends a request. */
export function boundConnections(
  server: Server,
  trust: ProxyTrust,
  perAddressMax: number,
  countCut: () => void,
): void {
  const connections = new Connections({ perAddressMax, totalMax: connectionsMax() });
  server.on("connection", (socket) => {
    const peer = peerKey(trust, socket.remoteAddress ?? "");
    if (!connections.open(peer)) {
      countCut();
      socket.destroy();
      return;
    }
    socket.once("close", () => {
      connections.close(peer);
    });
  });
}
