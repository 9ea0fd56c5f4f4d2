// What makes a connector of a good build a broken one, in the way that BROKEN names: it is imported before the
// connector's own program, and changes what that gets from uWebSockets.js.
import { createRequire } from "node:module";

const uws = createRequire(process.argv[1])("uWebSockets.js");
const CRASHES_AFTER_MS = 5_000;
const SLOW_MS = 400;

/** Whether a frame shows a message to its reader, in either encoding. */
const isEvent = (frame) => Buffer.from(frame).subarray(0, 24).includes("event");

const WAYS = {
  /** It starts, is ready for a moment, and ends. */
  crashes(behavior) {
    setTimeout(() => process.exit(1), CRASHES_AFTER_MS);
    return behavior;
  },
  /** It acks all that it is sent, and delivers every second message. */
  loses(behavior) {
    let events = 0;
    const open = (ws) => {
      const send = ws.send.bind(ws);
      ws.send = (frame, ...more) => {
        if (isEvent(frame) && (events += 1) % 2 === 0) return 1;
        return send(frame, ...more);
      };
      behavior.open(ws);
    };
    return { ...behavior, open };
  },
  /** It thinks about each frame for a while, and does nothing else meanwhile. */
  slow(behavior) {
    const message = (...args) => {
      const end = performance.now() + SLOW_MS;
      while (performance.now() < end);
      behavior.message(...args);
    };
    return { ...behavior, message };
  },
};

const way = WAYS[process.env.BROKEN];
if (way === undefined)
  throw new Error(`BROKEN is ${process.env.BROKEN}: the ways are ${Object.keys(WAYS).join(", ")}`);
const { App } = uws;
uws.App = (...args) => {
  const app = App(...args);
  const ws = app.ws.bind(app);
  app.ws = (pattern, behavior) => ws(pattern, way(behavior));
  return app;
};
