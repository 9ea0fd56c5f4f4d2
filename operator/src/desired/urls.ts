import type { DesiredInput } from "./desired-input.ts";

/** A host in the form of a URL: an IPv6 address is put in brackets. */
const urlHost = (host: string): string => (host.includes(":") ? `[${host}]` : host);

const STANDARD = { ws: 80, http: 80, wss: 443, https: 443 };

/** Leaves out the port if it is the scheme's default. */
export const originOf = (scheme: keyof typeof STANDARD, host: string, port: number): string =>
  `${scheme}://${urlHost(host)}${port === STANDARD[scheme] ? "" : `:${port}`}`;

export const webSocketUrl = (scheme: "ws" | "wss", host: string, port: number): string =>
  `${originOf(scheme, host, port)}/v1/ws`;

/** The URLs by which devices outside connect by name. Empty if there is only the Service. */
export function publicUrls({ cluster: { spec } }: DesiredInput): readonly string[] {
  const { ingress, gateway, tls, service } = spec.connectors;
  if (ingress !== undefined)
    return [`${ingress.tlsSecret === undefined ? "ws" : "wss"}://${ingress.host}/v1/ws`];
  if (gateway !== undefined) return [`wss://${gateway.host}/v1/ws`];
  return tls?.host === undefined ? [] : [webSocketUrl("wss", tls.host, service.port)];
}

/** The URLs of the api by name: the same host, as `ways` routes it. */
export function publicApiUrls({ cluster: { spec } }: DesiredInput): readonly string[] {
  const { ingress, gateway } = spec.connectors;
  if (ingress !== undefined)
    return [`${ingress.tlsSecret === undefined ? "http" : "https"}://${ingress.host}`];
  return gateway === undefined ? [] : [`https://${gateway.host}`];
}
