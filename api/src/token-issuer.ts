import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { REVISION_CLAIM } from "@jichat/identity/claims.ts";
import { openSigner } from "@jichat/identity/sign-token.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Reread } from "@jichat/runtime/reread.ts";
import type { Config } from "./config.ts";

export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: number;
}
/** Issues a token for a revision of the user's credential. A later revision invalidates the token. */
export type IssueToken = (user: string, revision: number) => Promise<IssuedToken>;

export interface TokenIssuer {
  readonly issueToken: IssueToken;
  /** The key file, read again while the process runs. A new key signs from then on. */
  readonly reread: readonly Reread[];
}

/**
 * Opens the signer of our own tokens. With another system's accounts there is no key, and issuing throws
 * NOT_FOUND.
 */
export async function openTokenIssuer(config: Config, clock: Clock): Promise<TokenIssuer> {
  const {
    signingKeyFile,
    tokenLifeMs,
    tokens: { algorithm, issuer, audience },
  } = config;
  if (signingKeyFile === undefined) {
    const issueToken = async (): Promise<never> => {
      throw new ChatError("NOT_FOUND", "this cluster uses the accounts of another system: sign in there");
    };
    return { issueToken, reread: [] };
  }
  const text = readFileSync(signingKeyFile, "utf8");
  let sign = await openSigner(text, algorithm);
  const issueToken: IssueToken = async (user, revision) => {
    const now = clock.now();
    const expiresAt = now + tokenLifeMs;
    // Fractions of a second are allowed (RFC 7519, NumericDate). Connectors of an older version compare `iat`
    // with the moment of the last password change.
    const token = await sign({
      sub: user,
      iss: issuer,
      aud: audience,
      iat: now / 1_000,
      exp: expiresAt / 1_000,
      [REVISION_CLAIM]: revision,
      jti: randomBytes(16).toString("base64url"),
    });
    return { token, expiresAt };
  };
  const take = async ([now = ""]: readonly string[]): Promise<void> => {
    sign = await openSigner(now, algorithm);
  };
  return {
    issueToken,
    reread: [{ what: "signing key", files: [signingKeyFile], atStart: [text], take }],
  };
}
