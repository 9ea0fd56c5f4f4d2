import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { LookupFunction } from "node:net";
import { Agent, buildConnector } from "undici";
import type { AddressRanges } from "./public-address.ts";
import { isAllowed, isPublic } from "./public-address.ts";

/** A connection that must not be made. The message names no host and no address. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

export interface GuardOptions {
  /** Addresses that may be reached beside public ones, by plain HTTP too and on each port. */
  readonly allowed: AddressRanges;
  /** For tests. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** Certificates of one's own that are trusted, as PEM. */
  readonly ca?: string | undefined;
}

/** Connections to one origin. Above it, requests wait for one. */
const CONNECTIONS_MAX = 256;
const CONNECT_MS = 5_000;

/** Throws AddressRefused, unless each address may be reached. */
function check(addresses: readonly string[], isPlain: boolean, allowed: AddressRanges): void {
  const others = addresses.filter((address) => !isAllowed(address, allowed));
  if (others.length === 0) return;
  if (isPlain)
    throw new AddressRefused("only https on port 443 is used, except to addresses that are allowed");
  if (!others.every(isPublic)) throw new AddressRefused("the address is not a public one, and not allowed");
}

/**
 * Makes HTTP/1.1 requests to strangers' servers without reaching into one's own network. A name is resolved
 * once per connection, all its addresses are checked, and the socket connects to what was checked: an answer
 * of DNS that changes in between is never used. Redirects are not followed, since undici follows none by
 * itself.
 */
export function guardedAgent({ allowed, ca, resolve = resolveAll }: GuardOptions): Agent {
  const connectorFor = (isPlain: boolean): buildConnector.connector => {
    const pinned: LookupFunction = (hostname, options, done) => {
      resolve(hostname)
        .then((found) => {
          const addresses = [...found];
          check(
            addresses.map(({ address }) => address),
            isPlain,
            allowed,
          );
          const [first] = addresses;
          if (first === undefined) throw new AddressRefused("the name has no address");
          if (options.all === true) done(null, addresses);
          else done(null, first.address, first.family);
        })
        .catch((error: unknown) => {
          done(error as NodeJS.ErrnoException, "");
        });
    };
    const trust = ca === undefined ? {} : { ca };
    return buildConnector({ lookup: pinned, timeout: CONNECT_MS, allowH2: false, ...trust });
  };
  const strict = connectorFor(false);
  const plain = connectorFor(true);
  return new Agent({
    connections: CONNECTIONS_MAX,
    allowH2: false,
    connect: (options, done) => {
      const { protocol, port, hostname } = options;
      const isPlain = protocol !== "https:" || (port !== "" && port !== "443");
      const literal = hostname.replace(/^\[(.*)\]$/, "$1");
      try {
        // No name is looked up for an address, so nothing else would check it.
        if (isIP(literal) !== 0) check([literal], isPlain, allowed);
      } catch (error) {
        done(error as Error, null);
        return;
      }
      (isPlain ? plain : strict)(options, done);
    },
  });
}

const resolveAll = async (hostname: string): Promise<readonly LookupAddress[]> =>
  lookup(hostname, { all: true });
