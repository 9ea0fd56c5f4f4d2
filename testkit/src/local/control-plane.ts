import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exec } from "../exec.ts";
import { needProgram } from "../kubernetes.ts";
import { until } from "../until.ts";
import { Part } from "./part.ts";
import { freePorts } from "./ports.ts";

export interface ControlPlane {
  readonly server: string;
  /** The token of a user with all rights. */
  readonly token: string;
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

const READY_MS = 90_000;

const write = (folder: string, name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

async function etcdPart(folder: string, port: number, peerPort: number): Promise<Part> {
  const url = `http://127.0.0.1:${port}`;
  return new Part({
    name: "etcd",
    program: await needProgram("etcd"),
    logFile: join(folder, "etcd.log"),
    port,
    args: [
      `--data-dir=${join(folder, "etcd")}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      "--unsafe-no-fsync", // Its data lives only as long as the test.
      "--log-level=error",
    ],
    env: {},
  });
}

async function apiPart(folder: string, port: number, etcdPort: number, token: string): Promise<Part> {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const key = write(folder, "service-account.key", pem);
  return new Part({
    name: "kube-apiserver",
    program: await needProgram("kube-apiserver"),
    logFile: join(folder, "kube-apiserver.log"),
    port,
    args: [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      `--secure-port=${port}`,
      "--bind-address=127.0.0.1",
      `--cert-dir=${join(folder, "certs")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      "--service-cluster-ip-range=10.0.0.0/16",
      "--authorization-mode=RBAC",
      `--token-auth-file=${write(folder, "tokens.csv", `${token},admin,admin,system:masters\n`)}`,
      "--disable-admission-plugins=ServiceAccount", // The controller that makes its tokens is not running.
    ],
    env: {},
  });
}

/**
 * Runs only etcd and the real kube-apiserver on loopback: objects are stored and validated, but no pod runs.
 */
export async function startControlPlane(folder: string): Promise<ControlPlane> {
  const [etcdPort = 0, peerPort = 0, securePort = 0] = await freePorts(3);
  mkdirSync(folder, { recursive: true });
  const token = randomBytes(24).toString("base64url");
  const store = await etcdPart(folder, etcdPort, peerPort);
  const api = await apiPart(folder, securePort, etcdPort, token);
  store.start();
  api.start();
  const server = `https://127.0.0.1:${securePort}`;
  const cluster = { server, "insecure-skip-tls-verify": true };
  const kubeconfig = write(
    folder,
    "kubeconfig",
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [{ name: "test", cluster }],
      users: [{ name: "admin", user: { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    }),
  );
  await untilReady(kubeconfig, join(folder, "kube-apiserver.log"));
  return {
    server,
    token,
    kubeconfig,
    stop: async () => {
      await api.stop(5_000);
      await store.stop(5_000);
    },
  };
}

async function untilReady(kubeconfig: string, log: string): Promise<void> {
  const kubectl = await needProgram("kubectl");
  const ask = ["--kubeconfig", kubeconfig, "get", "--raw", "/readyz"];
  const isReady = async (): Promise<boolean> => (await exec(kubectl, ask, { env: process.env })).code === 0;
  await until(`kube-apiserver is ready: see ${log}`, READY_MS, isReady, 250);
}
