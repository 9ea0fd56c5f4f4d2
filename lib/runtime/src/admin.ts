import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Fault } from "@jichat/protocol/faults.ts";
import { faultsText } from "@jichat/protocol/faults.ts";
import { partitionsText } from "@jichat/protocol/owned-partitions.ts";
import type { SaidLevel } from "@jichat/protocol/level.ts";
import { saidLevelText } from "@jichat/protocol/level.ts";
import { listenAddress } from "./listen-address.ts";
import type { ProcessConfig } from "./process-config.ts";
import type { Telemetry } from "./telemetry.ts";

export interface AdminActions {
  /** Why this process is not ready; `undefined` if it is. */
  readonly notReady: () => string | undefined;
  /** Why this process should be restarted; `undefined` while it works or waits for a backend. */
  readonly notLive?: () => string | undefined;
  /** Starts or cancels a drain. Absent if the component has nothing to drain. */
  readonly drain?: (on: boolean) => void;
  /** The present cluster keys. Absent if the keys of the start never change. */
  readonly clusterKeys?: () => readonly string[];
  /** The partitions that this process owns. Absent if it owns none. */
  readonly partitions?: () => Iterable<number>;
  /** Faults that a person has to know of. Absent if the component reports none. */
  readonly faults?: () => readonly Fault[];
  /** The newest level that this build knows, and the cluster's. Absent if the process follows no cluster. */
  readonly level?: () => SaidLevel;
}

/** The bearer token for writes to the admin port, derived from a cluster key. */
export const adminToken = (clusterKey: string): string =>
  createHmac("sha256", clusterKey).update("admin").digest("base64url");

function mayWrite(request: IncomingMessage, clusterKeys: readonly string[]): boolean {
  const given = Buffer.from(request.headers.authorization ?? "");
  return clusterKeys.some((key) => {
    const wanted = Buffer.from(`Bearer ${adminToken(key)}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

const healthOf = (why: string | undefined): [number, string] =>
  why === undefined ? [200, "ok\n"] : [503, `${why}\n`];

type AdminConfig = Pick<ProcessConfig, "adminPort" | "adminHost"> & {
  /** The operator has none, so nobody may write to its admin port. */
  readonly clusterKeys: readonly string[];
};

/**
 * Serves `/livez /readyz /metrics /partitions /faults /level`, and `POST` and `DELETE /drain` for a bearer of
 * the admin token.
 */
export async function startAdmin(
  config: AdminConfig,
  telemetry: Pick<Telemetry, "log" | "scrape">,
  actions: AdminActions,
): Promise<{ port: number; stop(): void }> {
  const answer = async (request: IncomingMessage): Promise<[number, string]> => {
    switch (`${request.method} ${request.url}`) {
      case "GET /livez":
        return healthOf(actions.notLive?.());
      case "GET /readyz":
        return healthOf(actions.notReady());
      case "GET /metrics":
        return [200, await telemetry.scrape()];
      case "GET /partitions":
        if (actions.partitions === undefined) return [404, "this component owns no partitions\n"];
        return [200, partitionsText(actions.partitions())];
      case "GET /faults":
        if (actions.faults === undefined) return [404, "this component reports no faults\n"];
        return [200, faultsText(actions.faults())];
      case "GET /level":
        if (actions.level === undefined) return [404, "this component uses no level\n"];
        return [200, saidLevelText(actions.level())];
      case "POST /drain":
      case "DELETE /drain":
        if (actions.drain === undefined) return [404, "this component cannot be drained\n"];
        if (!mayWrite(request, actions.clusterKeys?.() ?? config.clusterKeys))
          return [401, "the cluster's admin token is needed\n"];
        actions.drain(request.method === "POST");
        return [202, "accepted\n"];
      default:
        return [404, "the paths are /livez, /readyz, /metrics, /partitions, /faults, /level and /drain\n"];
    }
  };
  const server: Server = createServer((request, response) => {
    answer(request).then(
      ([status, text]) =>
        response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text),
      (error: unknown) => {
        telemetry.log.error({ err: error }, "admin request failed");
        response.writeHead(500).end();
      },
    );
  });
  const host = await listenAddress(config.adminHost);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(config.adminPort, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
