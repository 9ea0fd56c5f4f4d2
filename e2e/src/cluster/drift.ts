import { spawn } from "node:child_process";
import { jetstreamManager } from "@nats-io/jetstream";
import type { ConnectionOptions } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { inboxOf, namesOf } from "@jichat/protocol/bus/names.ts";
import type { User } from "@jichat/operator/desired/keys.ts";
import { credentialOf, decodeKeys } from "@jichat/operator/desired/keys.ts";
import { clusterNameOf } from "@jichat/operator/desired/names.ts";
import type { Chat } from "./chat.ts";
import { until } from "@jichat/testkit/until.ts";
import { LAB } from "./kubectl.ts";

/** Forwards a local port to a Service's port while `act` runs. */
export async function forwarded<T>(
  chat: Chat,
  service: string,
  port: number,
  act: (port: number) => Promise<T>,
): Promise<T> {
  const child = spawn(LAB.kubectl, ["-n", chat.namespace, "port-forward", `service/${service}`, `:${port}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const local = await new Promise<number>((resolve, reject) => {
      child.once("exit", () => {
        reject(new Error(`port-forward to ${service} ended`));
      });
      child.stdout.on("data", (chunk: Buffer) => {
        const found = /127\.0\.0\.1:(\d+)/.exec(chunk.toString());
        if (found !== null) resolve(Number(found[1]));
      });
    });
    return await act(local);
  } finally {
    child.kill("SIGKILL");
  }
}

/** Connects to a ChatCluster's managed NATS as a component or as the operator, while `act` runs. */
export async function asUser<T>(
  chat: Chat,
  as: User,
  act: (options: ConnectionOptions, names: Names) => Promise<T>,
): Promise<T> {
  const keys = decodeKeys(
    Buffer.from(await chat.secret("keys", "keys")).toString("base64"),
    { tokenMs: 0, ticketMs: 0 },
    0,
  );
  if (keys === undefined) throw new Error("the ChatCluster has no keys");
  const { user, password: pass } = credentialOf(keys, "nats", as);
  const names = namesOf(clusterNameOf({ metadata: { namespace: chat.namespace, name: chat.name } } as never));
  return forwarded(chat, `${chat.name}-nats`, 4222, async (port) =>
    act({ servers: `127.0.0.1:${port}`, user, pass, inboxPrefix: inboxOf(user), reconnect: false }, names),
  );
}

/** Changes a log's limit by hand. Resolves once the operator has corrected it. */
export async function driftInStreams(chat: Chat, withinMs: number): Promise<void> {
  await asUser(chat, "operator", async (options, names) => {
    const stream = names.logStream(0);
    const nats = await connect(options);
    try {
      const { streams } = await jetstreamManager(nats);
      const wanted = (await streams.info(stream)).config.max_bytes;
      await streams.update(stream, { max_bytes: wanted / 2 });
      await until("the stream is as it was", withinMs, async () =>
        (await streams.info(stream)).config.max_bytes === wanted ? true : undefined,
      );
    } finally {
      await nats.close();
    }
  });
}
