import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { connect } from "node:tls";
import { ROOT } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";
import { makeCertificate } from "../src/certificate.ts";
import { LINGERING, LINGERING_HANDSHAKES, endsWithin } from "../src/lingering.ts";
import { startStack } from "../src/scene.ts";

/** As in `connections.test.ts`. */
const LINGER_MS = 40_000;
const CONNECTOR = join(ROOT, "connector/src/main.ts");

async function certificate(t: TestContext): Promise<{ certFile: string; keyFile: string }> {
  const folder = mkdtempSync(join(tmpdir(), "jichat-tls-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const { cert, key } = await makeCertificate();
  const files = { certFile: join(folder, "tls.crt"), keyFile: join(folder, "tls.key") };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  return files;
}

test("people talk over TLS with a certificate, and clients that do not trust it cannot", async (t) => {
  const { certFile, keyFile } = await certificate(t);
  const connector = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile };
  const stack = await startStack(t, { routers: 1, connectors: 1, env: { connector } });
  const url = (stack.wsUrls[0] ?? "").replace("ws:", "wss:");
  const talk = [join(ROOT, "e2e/src/talk.ts"), stack.apiUrl, url];
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certFile };
  const { stdout } = await exec(process.execPath, talk, { env });
  assert.match(stdout, /was sent, stored and delivered/);
  const socket = new WebSocket(url);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("error", () => {
      resolve();
    });
    socket.addEventListener("open", () => {
      reject(new Error("an unknown certificate was taken"));
    });
  });
});

test("a connection without a complete handshake or request is closed with TLS too", async (t) => {
  const { certFile, keyFile } = await certificate(t);
  const connector = { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile };
  const stack = await startStack(t, { routers: 1, connectors: 1, env: { connector } });
  const at = { host: "127.0.0.1", port: Number(new URL(stack.wsUrls[0] ?? "").port) };
  const ca = readFileSync(certFile);
  const tried = [
    ...Object.entries(LINGERING).map(([what, of]) => [what, of, connect({ ...at, ca })] as const),
    ...Object.entries(LINGERING_HANDSHAKES).map(
      ([what, of]) => [`raw: ${what}`, of, createConnection(at)] as const,
    ),
  ];
  const stayed = await Promise.all(
    tried.map(async ([what, of, socket]) => ((await endsWithin(socket, of, LINGER_MS)) ? [] : [what])),
  );
  assert.deepEqual(stayed.flat(), []);
});

test("an unusable certificate is reported at the start with the keys that name it", async (t) => {
  const [{ certFile }, { keyFile }] = await Promise.all([certificate(t), certificate(t)]);
  const start = (env: Readonly<Record<string, string>>): string =>
    spawnSync(process.execPath, [CONNECTOR], { env: { ...process.env, ...env }, encoding: "utf8" }).stderr;
  assert.match(start({ TLS_CERT_FILE: certFile }), /TLS_CERT_FILE and TLS_KEY_FILE go together/);
  const other = start({ TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile });
  assert.match(other, /TLS_CERT_FILE and TLS_KEY_FILE are not a certificate and its key in PEM: .*mismatch/);
});
