import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Part } from "@jichat/testkit/local/part.ts";

/** What signs pushes, by the files of a folder of credentials. */
export function signingSecrets(folder: string): readonly string[] {
  const read = <T>(file: string): T => JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
  const { secrets } = read<{ secrets: readonly string[] }>("webhook.json");
  const { privateKey } = read<{ privateKey: string }>("vapid.json");
  return [...secrets, ...secrets.map((secret) => secret.replace("whsec_", "")), privateKey];
}

/** Lines of these parts' logs that have any of `secrets`. Throws if a log is empty: nothing was looked at. */
export function linesWith(secrets: readonly string[], parts: readonly Part[]): readonly string[] {
  return parts.flatMap(({ spec: { name, logFile } }) => {
    const lines = readFileSync(logFile, "utf8").split("\n");
    if (lines.length < 2) throw new Error(`the log of ${name} is empty`);
    return lines.flatMap((line) =>
      secrets.some((secret) => line.includes(secret)) ? [`${name}: ${line}`] : [],
    );
  });
}
