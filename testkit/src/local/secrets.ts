import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Secrets {
  readonly clusterKeyFile: string;
  readonly signingKeyFile: string;
  readonly keysFile: string;
}

const write = (path: string, text: string): void => {
  writeFileSync(path, text, { mode: 0o600 });
};

/** The secrets of a cluster. They are made at its first start and kept with its data. */
export function ensureSecrets(data: string): Secrets {
  const folder = join(data, "secrets");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const secrets: Secrets = {
    clusterKeyFile: join(folder, "cluster.key"),
    signingKeyFile: join(folder, "token-key.json"),
    keysFile: join(folder, "token-keys.json"),
  };
  if (!existsSync(secrets.clusterKeyFile))
    write(secrets.clusterKeyFile, randomBytes(32).toString("base64url"));
  if (!existsSync(secrets.signingKeyFile)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    write(
      secrets.signingKeyFile,
      JSON.stringify({
        ...privateKey.export({ format: "jwk" }),
        kid: randomBytes(6).toString("base64url"),
        alg: "EdDSA",
      }),
    );
  }
  const { d: _, ...publicKey } = JSON.parse(readFileSync(secrets.signingKeyFile, "utf8")) as Record<
    string,
    string
  >;
  write(secrets.keysFile, JSON.stringify({ keys: [publicKey] }));
  return secrets;
}
