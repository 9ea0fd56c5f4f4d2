import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubectl } from "./kubectl.ts";

const FOLDER = join(import.meta.dirname, "../../../.data/e2e-failure");

interface Named {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/** Saves the logs, Events and objects of the namespaces in one folder, for the analysis of a failure. */
export async function keepEvidence(namespaces: readonly string[]): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  const write = async (name: string, args: readonly string[]): Promise<void> => {
    const text = await kubectl(args).catch(String);
    writeFileSync(join(FOLDER, name), text);
  };
  await write("nodes.yaml", ["get", "nodes", "-o", "yaml"]);
  for (const namespace of namespaces) {
    const here = ["-n", namespace];
    await write(`${namespace}-events.txt`, [...here, "get", "events", "--sort-by=.lastTimestamp"]);
    await write(`${namespace}-objects.txt`, [
      ...here,
      "get",
      "all,chat,pvc,configmap,networkpolicy,lease",
      "-o",
      "wide",
    ]);
    await write(`${namespace}-chat.yaml`, [...here, "get", "chat", "-o", "yaml"]);
    await write(`${namespace}-pods.yaml`, [...here, "get", "pods", "-o", "yaml"]);
    const pods = JSON.parse(
      await kubectl([...here, "get", "pods", "-o", "json"]).catch(() => '{"items":[]}'),
    ) as { readonly items: readonly Named[] };
    for (const { metadata } of pods.items) {
      await write(`${namespace}-${metadata.name}.log`, [...here, "logs", metadata.name, "--tail=2000"]);
      await write(`${namespace}-${metadata.name}-before.log`, [
        ...here,
        "logs",
        metadata.name,
        "--previous",
        "--tail=500",
      ]);
    }
  }
  return FOLDER;
}
