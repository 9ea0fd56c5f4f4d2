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
import { goodbye } from "./handshake.ts";
import { onMessage } from "./handler.ts";
import { Session } from "./session.ts";
import type { SocketData } from "./session.ts";
import type { World } from "./world.ts";

/** uWebSockets.js callbacks, thin: bytes become a frame, a frame goes to its handler, a reply is written. */
export function socketBehavior(world: World, drain: Drain): WebSocketBehavior<SocketData> {
  const { config, hub } = world;
  return {
    maxPayloadLength: 2 * config.frameBytesMax, // Up to here a frame that is too large can still be answered.
    maxBackpressure: 2 * config.bufferedBytesMax, // Never reached: a session closes itself at half of it.
    closeOnBackpressureLimit: true,
    idleTimeout: 0, // The sweep knows our own heartbeat, and pings only who is silent for longer than that.
    sendPingsAutomatically: false,
    upgrade: (response, request, context) => {
      upgrade(world, drain, response, request, context);
    },
    open: (ws: WebSocket<SocketData>) => {
      const { session } = ws.getUserData();
      session.opened(ws);
      hub.open(session);
      if (session.birth.refuseWith !== undefined) session.close(session.birth.refuseWith, "refused");
    },
    message: (ws, bytes, binary) => {
      onMessage(world, ws.getUserData().session, bytes, binary);
    },
    ping: (ws, bytes) => {
      onControl(world, ws.getUserData().session, bytes.byteLength);
    },
    pong: (ws, bytes) => {
      onControl(world, ws.getUserData().session, bytes.byteLength);
    },
    close: (ws, code) => {
      const { session } = ws.getUserData();
      session.closed();
      hub.close(session);
      world.metrics.countClose(code);
      void goodbye(world, session);
    },
  };
}

function upgrade(
  world: World,
  drain: Drain,
  response: HttpResponse,
  request: HttpRequest,
  context: us_socket_context_t,
): void {
  const { config } = world;
  if (drain.isOn) {
    refuse(world, response, "503 Service Unavailable", "this connector drains\n");
    return;
  }
  const peer = peerOf(world, response);
  const address = peer ?? behindProxy(world, response, request);
  const { name, codec } = subprotocolOf(request);
  const session = new Session({
    address,
    codec: codecOf(codec),
    now: world.wakeful.now(),
    bufferedBytesMax: config.bufferedBytesMax,
    turn: world.turn,
    refuseWith: refusalOf(world, request.getHeader("origin"), address),
  });
  world.connections.close(peer);
  // In a map of its own: uWS copies the fields of what it is given into another object.
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
  { config, hub, addressBudget, turn }: World,
  origin: string,
  address: string,
): number | undefined {
  if (origin !== "" && !config.origins.includes("*") && !config.origins.includes(origin))
    return CLOSE.refused;
  if (hub.size >= config.socketsMax || hub.socketsOf(address) >= config.socketsPerAddressMax)
    return CLOSE.tooMany;
  // Its hello would be refused, and costs more than all of this.
  if (addressBudget !== undefined && addressBudget.waitMs(address, turn.monotonic()) > 0)
    return CLOSE.tooMany;
  return undefined;
}

/** All lines of a header, in their order: uWS hands out one of them, and any may come in several. */
export function linesOf(request: Pick<HttpRequest, "forEach">, name: string): string {
  const lines: string[] = [];
  request.forEach((key, value) => {
    if (key === name) lines.push(value);
  });
  return lines.join(",");
}

/** Who offers in several lines is chosen from by all of them; who offers nothing need not be walked. */
const subprotocolOf = (request: HttpRequest): ReturnType<typeof chooseSubprotocol> => {
  const name = "sec-websocket-protocol";
  return chooseSubprotocol(request.getHeader(name) === "" ? "" : linesOf(request, name));
};

const behindProxy = ({ config }: World, response: HttpResponse, request: HttpRequest): string =>
  clientKey(config.trustProxy, response.getRemoteAddress(), linesOf(request, "x-forwarded-for"));

/** Undefined for a proxy's. */
const peerOf = ({ config }: World, response: HttpResponse): string | undefined =>
  peerKey(config.trustProxy, response.getRemoteAddress());

/**
 * Counts a connection from when it is accepted. It is counted out once: when it ends, is answered, or becomes
 * a socket, which the hub counts. uWS tells when one ends, and not which: hence the abort handler.
 */
function accept(world: World, response: HttpResponse): void {
  const { connections, hub, metrics } = world;
  const peer = peerOf(world, response);
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

/** Answers in the next turn, and ends the connection: a request right behind this one is not answered. */
function refuse(world: World, response: HttpResponse, status: string, why: string): void {
  const peer = peerOf(world, response);
  let isOver = false;
  response.onAborted(() => {
    isOver = true;
    world.connections.close(peer);
  });
  setImmediate(() => {
    if (isOver) return;
    world.connections.close(peer);
    response.cork(() => {
      response.writeStatus(status).writeHeader("Retry-After", "1").end(why, true);
    });
  });
}

/** Answers on `/v1/ws`, and says so to who comes by mistake. */
export function route(
  app: TemplatedApp,
  world: World,
  behavior: WebSocketBehavior<SocketData>,
): TemplatedApp {
  return app
    .filter((response, count) => {
      if (Number(count) === 1) accept(world, response);
    })
    .ws<SocketData>("/v1/ws", behavior)
    .any("/*", (response) => {
      refuse(world, response, "404 Not Found", "WebSockets are served at /v1/ws\n");
    });
}
