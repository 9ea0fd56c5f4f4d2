import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  WebSocket,
  WebSocketBehavior,
  us_socket_context_t,
} from "uWebSockets.js";
import { clientKey, peerKey } from "@jichat/edge/client-address.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import { chooseSubprotocol, codecOf } from "@jichat/protocol/frame/codec.ts";
import { onControl } from "./control-frame.ts";
import type { Drain } from "./drain.ts";
import type { Connections } from "@jichat/edge/connections.ts";
import type { WakefulClock } from "@jichat/runtime/wakeful-clock.ts";
import type { AddressBudget } from "./address-budget.ts";
import type { Config } from "./config.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";
import { reportOf } from "./half-open.ts";
import type { FrameHandler } from "./handler.ts";
import type { Hub } from "./hub.ts";
import type { IntakeParts } from "./intake-of.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { RegistrationParts } from "./registration.ts";
import { goodbye } from "./registration.ts";
import type { ReportOutbox } from "./report-outbox.ts";
import { Session } from "./session.ts";
import type { SocketData } from "./session.ts";

interface AddressParts {
  readonly config: Pick<Config, "trustProxy">;
}

/** Parts that count and answer connections which are not a WebSocket, or not yet. */
interface DoorParts extends AddressParts {
  readonly connections: Pick<Connections, "close" | "open">;
  readonly hub: Pick<Hub, "size" | "socketsOf">;
  readonly metrics: Pick<ConnectorMetrics, "countCut">;
}

interface UpgradeParts extends DoorParts {
  readonly config: Pick<
    Config,
    "bufferedBytesMax" | "origins" | "socketsMax" | "socketsPerAddressMax" | "trustProxy"
  >;
  readonly drain: Pick<Drain, "accepts" | "arrived">;
  readonly wakeful: Pick<WakefulClock, "now">;
  readonly turn: FlushScheduler;
  readonly addressBudget: Pick<AddressBudget, "waitMs"> | undefined;
}

export interface SocketParts extends UpgradeParts, Pick<RegistrationParts, "presence" | "telemetry"> {
  readonly config: UpgradeParts["config"] & Pick<Config, "frameBytesMax">;
  readonly hub: UpgradeParts["hub"] & Pick<Hub, "close" | "open">;
  readonly metrics: Pick<ConnectorMetrics, "countClose" | "countCut">;
  readonly intakeLimits: IntakeParts["intakeLimits"];
  readonly addressBudget: Pick<AddressBudget, "of" | "spend" | "waitMs"> | undefined;
  readonly handler: Pick<FrameHandler, "onMessage">;
  readonly reports: Pick<ReportOutbox, "add">;
}

/** uWebSockets.js callbacks. They are thin: each one hands over to the handler or the hub. */
export function socketBehavior(parts: SocketParts): WebSocketBehavior<SocketData> {
  const { config, hub, handler, metrics } = parts;
  return {
    // Up to this size, a frame that is too large can still be answered.
    maxPayloadLength: 2 * config.frameBytesMax,
    maxBackpressure: 2 * config.bufferedBytesMax, // Never reached: a session closes itself at half of it.
    closeOnBackpressureLimit: true,
    idleTimeout: 0, // The sweep handles heartbeats, and pings only silent sockets.
    sendPingsAutomatically: false,
    upgrade: (response, request, context) => {
      upgrade(parts, response, request, context);
    },
    open: (ws: WebSocket<SocketData>) => {
      const { session } = ws.getUserData();
      session.opened(ws);
      hub.open(session);
      if (session.birth.refuseWith !== undefined) session.close(session.birth.refuseWith, "refused");
    },
    message: (ws, bytes, binary) => {
      handler.onMessage(ws.getUserData().session, bytes, binary);
    },
    ping: (ws, bytes) => {
      onControl(parts, ws.getUserData().session, bytes.byteLength);
    },
    pong: (ws, bytes) => {
      onControl(parts, ws.getUserData().session, bytes.byteLength);
    },
    close: (ws, code) => {
      const { session } = ws.getUserData();
      const report = reportOf(session, code);
      session.closed();
      hub.close(session);
      metrics.countClose(code);
      if (report !== undefined) parts.reports.add(report);
      void goodbye(parts, session);
    },
  };
}

function upgrade(
  parts: UpgradeParts,
  response: HttpResponse,
  request: HttpRequest,
  context: us_socket_context_t,
): void {
  const { config, drain } = parts;
  if (!drain.accepts) {
    refuse(parts, response, "503 Service Unavailable", "this connector drains\n");
    return;
  }
  drain.arrived();
  const peer = peerOf(parts, response);
  const address = peer ?? behindProxy(parts, response, request);
  const { name, codec } = subprotocolOf(request);
  const session = new Session({
    address,
    codec: codecOf(codec),
    now: parts.wakeful.now(),
    bufferedBytesMax: config.bufferedBytesMax,
    turn: parts.turn,
    refuseWith: refusalOf(parts, request.getHeader("origin"), address),
  });
  parts.connections.close(peer);
  // Wrapped in an object: uWS copies the fields of the user data into an object of its own.
  response.upgrade(
    { session },
    request.getHeader("sec-websocket-key"),
    name ?? "",
    request.getHeader("sec-websocket-extensions"),
    context,
  );
}

/** Refused sockets are upgraded first: only a close code can tell a browser why. */
function refusalOf(
  { config, hub, addressBudget, turn }: UpgradeParts,
  origin: string,
  address: string,
): number | undefined {
  if (origin !== "" && !config.origins.includes("*") && !config.origins.includes(origin))
    return CLOSE.refused;
  if (hub.size >= config.socketsMax || hub.socketsOf(address) >= config.socketsPerAddressMax)
    return CLOSE.tooMany;
  // The address's `hello` would be refused anyway, at a higher cost.
  if (addressBudget !== undefined && addressBudget.waitMs(address, turn.monotonic()) > 0)
    return CLOSE.tooMany;
  return undefined;
}

/** All lines of a header, in order, joined by commas. uWS's own getter returns only one of them. */
function linesOf(request: Pick<HttpRequest, "forEach">, name: string): string {
  const lines: string[] = [];
  request.forEach((key, value) => {
    if (key === name) lines.push(value);
  });
  return lines.join(",");
}

/** The subprotocol, chosen from all header lines. The lines are walked only if there is an offer. */
const subprotocolOf = (request: HttpRequest): ReturnType<typeof chooseSubprotocol> => {
  const name = "sec-websocket-protocol";
  return chooseSubprotocol(request.getHeader(name) === "" ? "" : linesOf(request, name));
};

const behindProxy = ({ config }: AddressParts, response: HttpResponse, request: HttpRequest): string =>
  clientKey(config.trustProxy, response.getRemoteAddress(), linesOf(request, "x-forwarded-for"));

/** The key of the peer; undefined for a trusted proxy. */
const peerOf = ({ config }: AddressParts, response: HttpResponse): string | undefined =>
  peerKey(config.trustProxy, response.getRemoteAddress());

/**
 * Counts an accepted connection. It is uncounted once: when it ends, is answered, or becomes a socket, which
 * the hub counts. uWS reports that a connection ended but not which one, hence the abort handler.
 */
function accept(parts: DoorParts, response: HttpResponse): void {
  const { connections, hub, metrics } = parts;
  const peer = peerOf(parts, response);
  const sockets = { of: peer === undefined ? 0 : hub.socketsOf(peer), total: hub.size };
  if (connections.open(peer, sockets)) {
    response.onAborted(() => {
      connections.close(peer);
    });
    return;
  }
  metrics.countCut();
  response.close();
}

/** Answers in the next turn and closes the connection. A request that follows at once gets no answer. */
function refuse(parts: DoorParts, response: HttpResponse, status: string, why: string): void {
  const peer = peerOf(parts, response);
  let isOver = false;
  response.onAborted(() => {
    isOver = true;
    parts.connections.close(peer);
  });
  setImmediate(() => {
    if (isOver) return;
    parts.connections.close(peer);
    response.cork(() => {
      response.writeStatus(status).writeHeader("Retry-After", "1").end(why, true);
    });
  });
}

/** Serves WebSockets at `/v1/ws`. Every other path gets a 404 that names this one. */
export function route(
  app: TemplatedApp,
  parts: DoorParts,
  behavior: WebSocketBehavior<SocketData>,
): TemplatedApp {
  return app
    .filter((response, count) => {
      if (Number(count) === 1) accept(parts, response);
    })
    .ws<SocketData>("/v1/ws", behavior)
    .any("/*", (response) => {
      refuse(parts, response, "404 Not Found", "WebSockets are served at /v1/ws\n");
    });
}
