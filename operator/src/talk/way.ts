import { X509Certificate } from "node:crypto";
import { openSigner } from "@jichat/identity/sign-token.ts";
import { Tickets } from "@jichat/identity/tickets.ts";
import { SYNTHETIC_PERSON } from "@jichat/protocol/synthetic.ts";
import { objectName } from "../desired/names.ts";
import { signs } from "../desired/settings.ts";
import { webSocketUrl } from "../desired/urls.ts";
import type { DesiredInput } from "../desired/desired-input.ts";

/**
 * The credential that connectors accept: a token signed by this cluster, or a ticket if tokens are issued
 * elsewhere.
 */
export type Credential =
  | {
      readonly signingKey: string;
      readonly algorithm: string;
      readonly issuer: string;
      readonly audience: string;
    }
  | { readonly clusterKey: string };

/** The connectors' certificate with its chain, from the Secret, and the name that it must be for. */
export interface Trust {
  readonly pem: string;
  readonly name: string;
}

/** How a ChatCluster's edge is reached from inside the Kubernetes cluster. */
export interface Way {
  readonly url: string;
  /** The present certificate, then an earlier one that may still be served. Empty without TLS. */
  readonly trust: readonly Trust[];
  /** The present credential, then an earlier one for connectors that do not know the new one yet. */
  readonly credentials: readonly Credential[];
  readonly partitions: number;
}

const LIFE_MS = 600_000;

/** The name of a certificate: the one that devices ask for, or else the first that it lists. */
function nameOf(pem: string): string {
  const { subjectAltName = "", subject } = new X509Certificate(pem);
  const [, listed] = /(?:DNS|IP Address):([^,\s]+)/.exec(subjectAltName) ?? [];
  const [, common] = /^CN=(.+)$/m.exec(subject) ?? [];
  return (listed ?? common ?? "").replace(/^\*/, "any");
}

function trustOf({ tls, cluster }: DesiredInput): readonly Trust[] {
  if (tls === undefined) return [];
  const pem = tls["tls.crt"];
  return [{ pem, name: cluster.spec.connectors.tls?.host ?? nameOf(pem) }];
}

function credentialOf(input: DesiredInput): Credential {
  const { keys, tokenKeys, cluster } = input;
  if (!signs(input)) return { clusterKey: keys.clusterKey };
  const { algorithm, issuer, audience } = cluster.spec.auth;
  const signingKey = tokenKeys?.signingKey ?? JSON.stringify(keys.signingKey);
  return { signingKey, algorithm, issuer, audience };
}

/**
 * The way through the connectors' Service, by a name that works from every namespace and for any cluster
 * domain.
 */
export function wayOf(input: DesiredInput): Way {
  const { cluster } = input;
  const { service, tls } = cluster.spec.connectors;
  const host = `${objectName(cluster, "connector")}.${cluster.metadata.namespace}.svc`;
  return {
    url: webSocketUrl(tls === undefined ? "ws" : "wss", host, service.port),
    trust: trustOf(input),
    credentials: [credentialOf(input)],
    partitions: cluster.spec.partitions,
  };
}

/**
 * The token or ticket for a hello, valid for some minutes. It has no `iat`, so that an operator's clock that
 * is ahead does not look like a failure of the cluster.
 */
export async function shown(
  credential: Credential,
  device: string,
  now: number,
): Promise<{ readonly token: string } | { readonly ticket: string }> {
  const expiresAt = now + LIFE_MS;
  if ("clusterKey" in credential) {
    const identity = {
      user: SYNTHETIC_PERSON,
      device,
      tokenId: SYNTHETIC_PERSON,
      issuedAt: 0,
      expiresAt,
    };
    return { ticket: new Tickets([credential.clusterKey], LIFE_MS).issue(identity, now).ticket };
  }
  const { signingKey, algorithm, issuer, audience } = credential;
  const sign = await openSigner(signingKey, algorithm);
  const exp = Math.floor(expiresAt / 1_000);
  return { token: await sign({ sub: SYNTHETIC_PERSON, iss: issuer, aud: audience, exp }) };
}
