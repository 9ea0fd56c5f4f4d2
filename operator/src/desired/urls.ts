import type { DesiredInput } from "./desired-input.ts";

/** A host as a URL has it: an IPv6 address stands in brackets. */
const urlHost = (host: string): string => (host.includes(":") ? `[${host}]` : host);

const STANDARD = { ws: 80, http: 80, wss: 443, https: 443 };

/** The port only where it is not the scheme's own. */
export const originOf = (scheme: keyof typeof STANDARD, host: string, port: number): string =>
  `${scheme}://${urlHost(host)}${port === STANDARD[scheme] ? "" : `:${port}`}`;

export const webSocketUrl = (scheme: "ws" | "wss", host: string, port: number): string =>
  `${originOf(scheme, host, port)}/v1/ws`;

/** Where devices outside the cluster connect by a name; nothing where only the Service is there. */
export function publicUrls({ cluster: { spec } }: DesiredInput): readonly string[] {
  const { ingress, gateway, tls, service } = spec.connectors;
  if (ingress !== undefined)
    return [`${ingress.tlsSecret === undefined ? "ws" : "wss"}://${ingress.host}/v1/ws`];
  if (gateway !== undefined) return [`wss://${gateway.host}/v1/ws`];
  return tls?.host === undefined ? [] : [webSocketUrl("wss", tls.host, service.port)];
}

/** Where the api is by a name: behind the same host, as `ways` has it. */
export function publicApiUrls({ cluster: { spec } }: DesiredInput): readonly string[] {
  const { ingress, gateway } = spec.connectors;
  if (ingress !== undefined)
    return [`${ingress.tlsSecret === undefined ? "http" : "https"}://${ingress.host}`];
  return gateway === undefined ? [] : [`https://${gateway.host}`];
}
