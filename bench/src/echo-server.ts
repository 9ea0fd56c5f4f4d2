import { loadUws } from "@jichat/connector/uws.ts";

/** uWebSockets.js and nothing else: what every figure of a connector is held against. */
const uws = loadUws();
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
    message: (ws, bytes, binary) => {
      ws.send(bytes, binary);
    },
  })
  .listen("127.0.0.1", Number(process.argv[2]), (socket) => {
    if (socket === false) process.exit(1);
    process.stdout.write("listening\n");
  });
