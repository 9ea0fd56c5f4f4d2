import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Fault } from "@jichat/protocol/faults.ts";
import { faultsText } from "@jichat/protocol/faults.ts";
import { ChatError, ERRORS } from "@jichat/protocol/errors.ts";
import { partitionsText } from "@jichat/protocol/owned-partitions.ts";
import type { SaidLevel } from "@jichat/protocol/level.ts";
import { saidLevelText } from "@jichat/protocol/level.ts";
import { listenAddress } from "./listen-address.ts";
import type { ProcessConfig } from "./process-config.ts";
import type { Telemetry } from "./telemetry.ts";

/** Something that is ordered by a POST, and whose course a GET tells. */
export interface AdminOrders {
  /** Takes the body of the POST. Throws a ChatError, whose message is the answer. */
  readonly order: (body: string) => void;
  /** The answer to a GET. */
  readonly report: () => string;
}

export interface AdminActions {
  /** Why this process is not ready; `undefined` if it is. */
  readonly notReady: () => string | undefined;
  /** Why this process should be restarted; `undefined` while it works or waits for a backend. */
  readonly notLive?: () => string | undefined;
  /** Absent if the component has nothing to drain. */
  readonly drain?: AdminOrders & { readonly cancel: () => void };
  /** Absent if the component has nothing to send elsewhere. */
  readonly shed?: AdminOrders;
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

const PATHS = "/livez, /readyz, /metrics, /partitions, /faults, /level, /drain and /shed";
/** Orders have a hundred bytes. */
const BODY_BYTES_MAX = 4_096;

const reportOf = (orders: AdminOrders | undefined, none: string): [number, string] =>
  orders === undefined ? [404, none] : [200, orders.report()];

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    // What is too much is read and dropped: a client that still writes would not read the answer.
    if (bytes <= BODY_BYTES_MAX) chunks.push(chunk as Buffer);
  }
  if (bytes > BODY_BYTES_MAX)
    throw new ChatError("FRAME_TOO_LARGE", `the body has more than ${BODY_BYTES_MAX} bytes`);
  return Buffer.concat(chunks).toString("utf8");
}

/** Carries out a write to `/drain` or `/shed`. An order that cannot be is answered with its reason. */
async function carryOut(request: IncomingMessage, { drain, shed }: AdminActions): Promise<[number, string]> {
  const orders = request.url === "/shed" ? shed : drain;
  if (orders === undefined) return [404, `this component has no ${request.url ?? ""}\n`];
  try {
    const body = await bodyOf(request);
    if (request.method === "DELETE") drain?.cancel();
    else orders.order(body);
    return [202, orders.report()];
  } catch (thrown) {
    if (!(thrown instanceof ChatError)) throw thrown;
    return [ERRORS[thrown.code].http, `${thrown.message}\n`];
  }
}

type AdminConfig = Pick<ProcessConfig, "adminPort" | "adminHost"> & {
  /** The operator has none, so nobody may write to its admin port. */
  readonly clusterKeys: readonly string[];
};

/**
 * Serves `/livez /readyz /metrics /partitions /faults /level /drain /shed`. Only a bearer of the admin token
 * may write.
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
      case "GET /drain":
        return reportOf(actions.drain, "this component cannot be drained\n");
      case "GET /shed":
        return reportOf(actions.shed, "this component sends nobody elsewhere\n");
      case "POST /drain":
      case "DELETE /drain":
      case "POST /shed":
        if (!mayWrite(request, actions.clusterKeys?.() ?? config.clusterKeys))
          return [401, "the cluster's admin token is needed\n"];
        return carryOut(request, actions);
      default:
        return [404, `the paths are ${PATHS}\n`];
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
