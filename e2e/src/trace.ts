import { ChatClient } from "@jichat/client/chat-client.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { OtlpReceiver } from "@jichat/testkit/observe/otlp-receiver.ts";
import { TraceStore } from "@jichat/testkit/observe/trace-store.ts";
import { treeOf } from "@jichat/testkit/observe/trace-tree.ts";
import { UserError, main, say } from "@jichat/testkit/say.ts";
import { mint } from "./mint.ts";
import { WHOLE } from "./whole-trace.ts";

const PATIENCE_MS = 20_000;

/** `make trace`: sends one message through its own cluster, and prints the trace as a tree. */
async function showOne(): Promise<void> {
  const store = new TraceStore();
  let grown = (): void => undefined;
  const receiver = await OtlpReceiver.start((spans) => {
    store.add(spans);
    grown();
  });
  say("starting NATS, Redis, storage, a router, two connectors, api ...");
  const { stack, destroy } = await startThrowaway({
    routers: 1,
    connectors: 2,
    env: { "*": { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, TRACE_RATIO: "1" } },
  });
  try {
    const device = (user: string, url: string | undefined): ChatClient =>
      new ChatClient({
        urls: url === undefined ? [] : [url],
        device: "laptop",
        token: async () => mint(stack.secrets.signingKeyFile, { sub: user }),
      });
    const [ann, bob] = [device("ann", stack.wsUrls[0]), device("bob", stack.wsUrls[1])];
    await Promise.all([ann.connect(), bob.connect()]);
    // The first message creates the conversation. The second is like all others.
    await ann.send({ to: "bob" }, { text: "one" });
    const { traceId } = await ann.send({ to: "bob" }, { text: "two" });
    const isWhole = (): boolean =>
      WHOLE.every((name) => store.get(traceId).some((span) => span.name === name));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      grown = () => {
        if (!isWhole()) return;
        clearTimeout(timer);
        resolve();
      };
      grown();
    });
    ann.close();
    bob.close();
    console.log([`trace ${traceId}`, ...treeOf(traceId, store.get(traceId))].join("\n"));
    if (!isWhole())
      throw new UserError(`spans are missing after ${PATIENCE_MS / 1_000} s: ${WHOLE.join(", ")}`);
  } finally {
    await destroy();
    receiver.close();
  }
}

await main(showOne);
