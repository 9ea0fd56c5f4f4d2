import type { JsonWebKey } from "node:crypto";
import { createPrivateKey, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { Tickets } from "@jichat/identity/tickets.ts";
import { loadUws } from "@jichat/connector/uws.ts";
import type { WebSocket } from "uWebSockets.js";

/**
 * A server that is only uWebSockets.js: every figure of a connector is compared with it.
 * Arguments: a port, and what it does with a frame.
 * - `echo`: sends it back.
 * - `fan`: sends one prebuilt event to all, and an ack to who asked.
 * - `ticket`: checks the ticket of a `hello`, made with the cluster key that is the third argument.
 * - `token`: checks the Ed25519 signature of its token, made with the key in the file of the third argument.
 */
const [port = "0", mode = "echo", secret = ""] = process.argv.slice(2);
const uws = loadUws();
const sockets = new Set<WebSocket<unknown>>();
const tickets = new Tickets([secret], 3_600_000);
const key =
  mode === "token"
    ? createPublicKey(
        createPrivateKey({ key: JSON.parse(readFileSync(secret, "utf8")) as JsonWebKey, format: "jwk" }),
      )
    : undefined;
const EVENT = JSON.stringify({
  t: "event",
  conversation: "g_0123456789abcdef0123456789abcdef",
  seq: 1_234,
  no: 1_233,
  kind: "message",
  from: "g1",
  ts: Date.now(),
  id: "01976b2c-0000-7abc-8def-000000000000",
  body: { text: "x".repeat(150) },
});

type Answer = (ws: WebSocket<unknown>, bytes: ArrayBuffer, isBinary: boolean) => void;
const ANSWERS: Readonly<Record<string, Answer>> = {
  echo: (ws, bytes, isBinary) => {
    ws.send(bytes, isBinary);
  },
  fan: (asker) => {
    for (const ws of sockets) ws.send(EVENT);
    asker.send('{"t":"ack"}');
  },
  ticket: (ws, bytes) => {
    const { ticket, device } = JSON.parse(Buffer.from(bytes).toString("utf8")) as Record<string, string>;
    const { user } = tickets.verify(ticket ?? "", device ?? "", Date.now());
    ws.send(JSON.stringify({ t: "welcome", user }));
  },
  token: (ws, bytes) => {
    const { token = "" } = JSON.parse(Buffer.from(bytes).toString("utf8")) as Record<string, string>;
    const [head = "", claims = "", signature = ""] = token.split(".");
    if (
      key === undefined ||
      !verify(null, Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, "base64url"))
    )
      throw new Error("a token that the generator did not sign");
    const { sub } = JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as { sub: string };
    ws.send(JSON.stringify({ t: "welcome", user: sub }));
  },
};
const answer = ANSWERS[mode];
if (answer === undefined) throw new Error(`${mode} is not one of ${Object.keys(ANSWERS).join(", ")}`);

uws
  .App()
  .ws("/v1/ws", {
    upgrade: (response, request, context) => {
      response.upgrade(
        {},
        request.getHeader("sec-websocket-key"),
        request.getHeader("sec-websocket-protocol"),
        request.getHeader("sec-websocket-extensions"),
        context,
      );
    },
    open: (ws) => {
      sockets.add(ws);
    },
    close: (ws) => {
      sockets.delete(ws);
    },
    message: answer,
  })
  .listen("127.0.0.1", Number(port), (socket) => {
    if (socket === false) process.exit(1);
    process.stdout.write("listening\n");
  });
