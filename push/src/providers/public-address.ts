import ipaddr from "ipaddr.js";
import type { IPv4, IPv6 } from "ipaddr.js";

/** Ranges of addresses that a deployment allows beside public ones. */
export type AddressRanges = readonly (readonly [IPv4 | IPv6, number])[];

/** All addresses of IPv6 that were ever given out for use on the Internet (RFC 4291, section 2.4). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
/** Azure's services for a virtual machine. The address is public by its range, and local by its use. */
const LOCAL_BY_USE = new Set(["168.63.129.16"]);

/** Reads CIDRs and single addresses. Throws an Error that names the entry that is neither. */
export const readRanges = (entries: readonly string[]): AddressRanges =>
  entries.map((entry) => {
    try {
      if (entry.includes("/")) return ipaddr.parseCIDR(entry);
      const address = ipaddr.parse(entry);
      return [address, address.kind() === "ipv4" ? 32 : 128] as const;
    } catch (cause) {
      throw new Error(`${JSON.stringify(entry)} is neither an address nor a CIDR`, { cause });
    }
  });

/** An address in its own form: one of IPv4 that is written as IPv6 is taken for what it reaches. */
const read = (address: string): IPv4 | IPv6 | undefined =>
  ipaddr.isValid(address) ? ipaddr.process(address) : undefined;

export function isAllowed(address: string, ranges: AddressRanges): boolean {
  const parsed = read(address);
  return (
    parsed !== undefined &&
    ranges.some(([range, bits]) => range.kind() === parsed.kind() && parsed.match(range, bits))
  );
}

/**
 * Whether an address is one of the public Internet: none of a private network, this host, a link, a carrier,
 * documentation or a test, and none that wraps an address of IPv4 (NAT64, 6to4, Teredo).
 */
export function isPublic(address: string): boolean {
  const parsed = read(address);
  if (parsed?.range() !== "unicast" || LOCAL_BY_USE.has(parsed.toString())) return false;
  return parsed.kind() === "ipv4" || parsed.match(GLOBAL_UNICAST);
}
