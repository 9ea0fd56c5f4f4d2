import type { EnvReader } from "@jichat/runtime/env-reader.ts";
import type { ProxyTrust, Range } from "./client-address.ts";
import { NO_PROXY, parseAddress } from "./client-address.ts";

const HOPS_MAX = 16;

function readRange(text: string): Range | undefined {
  const [address = "", length] = text.split("/");
  const groups = parseAddress(address);
  if (groups === undefined) return undefined;
  const bitsMax = address.includes(":") ? 128 : 32;
  const bits = length === undefined ? bitsMax : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (!(bits >= 0 && bits <= bitsMax) || text.split("/").length > 2) return undefined;
  return { groups, bits: bits + 128 - bitsMax };
}

/**
 * Reads TRUST_PROXY: `no`, `yes` (one hop), a number of hops, or a comma-separated list of addresses and
 * CIDRs.
 */
export function readProxyTrust(reader: EnvReader): ProxyTrust {
  const text = reader.text("TRUST_PROXY", { default: "no" }).trim();
  if (text === "no") return NO_PROXY;
  if (text === "yes") return { hops: 1 };
  if (/^\d{1,2}$/.test(text) && Number(text) <= HOPS_MAX) return { hops: Number(text) };
  const ranges = text.split(",").map((part) => readRange(part.trim()));
  if (!ranges.includes(undefined)) return { ranges: ranges.filter((range) => range !== undefined) };
  reader.refuse(
    `TRUST_PROXY is not no, yes, a number of hops up to ${HOPS_MAX} or a list of addresses and CIDRs: ${text}`,
  );
  return NO_PROXY;
}
