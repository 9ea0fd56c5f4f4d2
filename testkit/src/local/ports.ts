import { createSocket } from "node:dgram";
import { createConnection, createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";

const HOST = "127.0.0.1";
/** A port that another process reserved in the same moment is replaced, in so many rounds at most. */
const ROUNDS_MAX = 20;

/**
 * Ports that are free right now, and that no other process gets from this function while this one lives. Two
 * test files that run side by side would otherwise take each other's port between the choice and the start of
 * a server, or while a server is down. Throws if no free ports are found.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let round = 0; round < ROUNDS_MAX && ports.length < count; round += 1)
    for (const port of await unusedPorts(count - ports.length)) if (await reserve(port)) ports.push(port);
  if (ports.length < count) throw new Error(`no ${count} free ports were found in ${ROUNDS_MAX} rounds`);
  return ports;
}

/** Each port comes from a listening socket, and all sockets are kept until the last port is known. */
async function unusedPorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => listening()));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(async (server) => closed(server)));
  return ports;
}

const listening = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, HOST, () => {
      resolve(server);
    });
  });

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });

/**
 * Reserves a port for this process: a UDP socket holds the same number, which no server here uses. The kernel
 * frees it with the process, however that ends. Resolves with whether nobody else has it.
 */
const reserve = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: HOST, exclusive: true }, () => {
      socket.unref();
      resolve(true);
    });
  });

/** Whether a server could listen on this port. */
export const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, host, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });

/** Whether a server accepts connections on this port within a second. */
export const answersOn = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ port, host, timeout: 1_000 });
    socket.once("timeout", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
