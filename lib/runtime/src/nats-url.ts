import type { BackendTls } from "./tls-material.ts";
import { isIP } from "node:net";
import type { ConnectionOptions } from "@nats-io/transport-node";
import { inboxOf } from "@jichat/protocol/bus/names.ts";

/** The servers and the login of a NATS URL. */
type NatsLogin = Pick<ConnectionOptions, "user" | "pass" | "tls" | "inboxPrefix"> & {
  readonly servers: string[];
};

const PROTOCOLS: ReadonlySet<string> = new Set(["nats:", "tls:"]);

/** The error does not repeat the text, which may hold a password. */
const wrong = (at: number, why: string): Error => new Error(`address ${at + 1} ${why}`);

function readAddress(text: string, at: number, protocol: string): URL {
  const whole = text.includes("://") ? text : `${protocol}//${text}`;
  if (!URL.canParse(whole)) throw wrong(at, "is not host:port");
  const url = new URL(whole);
  if (!PROTOCOLS.has(url.protocol)) throw wrong(at, "is neither nats: nor tls:");
  if (url.hostname === "") throw wrong(at, "has no host");
  if (!["", "/"].includes(url.pathname) || url.search !== "" || url.hash !== "")
    throw wrong(at, "has more than host:port");
  return url;
}

/** For a server without a name the library would compare the certificate with `localhost`. */
function nameless(host: string, others: readonly string[]): { host?: string } {
  const address = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return isIP(address) === 0 || others.length > 0 ? {} : { host: address };
}

/**
 * Parses one server, or several of a cluster separated by commas: `nats://user:pass@a:4222,b:4222`. The first
 * sets protocol and login; a later one may repeat them, but not differ. `tls` has the TLS options. Throws an
 * Error that names the faulty address by its place.
 */
export function readNatsUrl(text: string, tls?: BackendTls): NatsLogin {
  const [first = "", ...others] = text.split(",").map((address) => address.trim());
  const { protocol, username, password, host } = readAddress(first, 0, "nats:");
  const more = others.map((address, index) => {
    const url = readAddress(address, index + 1, protocol);
    if (url.protocol !== protocol) throw wrong(index + 1, `is not ${protocol} as the first is`);
    if (url.username !== "" && (url.username !== username || url.password !== password))
      throw wrong(index + 1, "has another login than the first");
    return url.host;
  });
  return {
    servers: [host, ...more],
    ...(/^[\w-]+$/.test(username) ? { inboxPrefix: inboxOf(username) } : {}),
    ...(protocol === "tls:" || tls !== undefined ? { tls: { ...nameless(host, others), ...tls } } : {}),
    ...(username === "" ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  };
}
