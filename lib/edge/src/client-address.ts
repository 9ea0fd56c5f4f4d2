/** Eight groups of sixteen bits. An IPv4 address is held as its IPv4-mapped form, so there is one form. */
type Groups = readonly number[];

/** A network: all addresses with the same first `bits`. */
export interface Range {
  readonly groups: Groups;
  readonly bits: number;
}

/** Which proxies may name the client's address: the nearest `hops`, or those in `ranges`. */
export type ProxyTrust = { readonly hops: number } | { readonly ranges: readonly Range[] };

export const NO_PROXY: ProxyTrust = { hops: 0 };
const MAPPED: Groups = [0, 0, 0, 0, 0, 0xffff];
const FORWARDED_MAX = 64;

function ipv4(text: string): Groups | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  return [a * 256 + b, c * 256 + d];
}

function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1 ? ipv4(part) : undefined;
    if (last !== undefined) groups.push(...last);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** Parses an address. Accepts a port or a zone, as some proxies write them. */
export function parseAddress(text: string): Groups | undefined {
  const plain = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text;
  const four = ipv4(plain);
  if (four !== undefined) return [...MAPPED, ...four];
  const [address = ""] = plain.split("%");
  if (!address.includes(":")) return undefined;
  const halves = address.split("::");
  const [head, tail] = [groupsOf(halves[0] ?? ""), groupsOf(halves[1] ?? "")];
  if (head === undefined || tail === undefined || halves.length > 2) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

/** A peer: text as Node gives it, or the 4 or 16 bytes of its address. */
export type Peer = string | ArrayBuffer;

function groupsOfBytes(bytes: ArrayBuffer): Groups | undefined {
  if (bytes.byteLength !== 4 && bytes.byteLength !== 16) return undefined;
  const view = new DataView(bytes);
  const groups: number[] = [];
  for (let at = 0; at < bytes.byteLength; at += 2) groups.push(view.getUint16(at));
  return bytes.byteLength === 4 ? [...MAPPED, ...groups] : groups;
}

const groupsOfPeer = (peer: Peer): Groups | undefined =>
  typeof peer === "string" ? parseAddress(peer) : groupsOfBytes(peer);

/** Key of a peer whose address cannot be parsed: its text, or empty for a socket that is gone. */
const nameless = (peer: Peer): string => (typeof peer === "string" ? peer : "");

const isMapped = (groups: Groups): boolean => MAPPED.every((group, index) => groups[index] === group);

function isIn(groups: Groups, { groups: network, bits }: Range): boolean {
  for (let index = 0, left = bits; left > 0; index += 1, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff;
    if (((groups[index] ?? 0) & mask) !== ((network[index] ?? 0) & mask)) return false;
  }
  return true;
}

/**
 * The key for limits: an IPv4 address, or the /64 of an IPv6 address, since one customer usually holds a /64.
 */
function keyOf(groups: Groups): string {
  if (!isMapped(groups))
    return `${groups
      .slice(0, 4)
      .map((group) => group.toString(16))
      .join(":")}::/64`;
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Whether the address at this hop (0 is the peer) is a trusted proxy. */
const isTrusted = (trust: ProxyTrust, groups: Groups, hop: number): boolean =>
  "hops" in trust ? hop < trust.hops : trust.ranges.some((range) => isIn(groups, range));

/**
 * The client's key for limits: the peer, or the address behind trusted proxies. X-Forwarded-For is read from
 * its right end, which the nearest proxy wrote. What a client wrote itself is to the left of that.
 * `forwarded` is all lines of the header, joined by commas.
 */
export function clientKey(trust: ProxyTrust, peer: Peer, forwarded: string): string {
  const nearest = groupsOfPeer(peer);
  if (nearest === undefined) return nameless(peer);
  let client = nearest;
  const told = forwarded === "" ? [] : forwarded.split(",").slice(-FORWARDED_MAX).toReversed();
  for (const [hop, text] of told.entries()) {
    const next = isTrusted(trust, client, hop) ? parseAddress(text.trim()) : undefined;
    if (next === undefined) break;
    client = next;
  }
  return keyOf(client);
}

/**
 * The key by which this peer's connections are counted. Undefined for a trusted proxy: its connections belong
 * to others.
 */
export function peerKey(trust: ProxyTrust, peer: Peer): string | undefined {
  const groups = groupsOfPeer(peer);
  if (groups === undefined) return nameless(peer);
  return isTrusted(trust, groups, 0) ? undefined : keyOf(groups);
}
