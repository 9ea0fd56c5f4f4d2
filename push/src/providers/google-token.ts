import type { KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { Dispatcher } from "undici";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ATTEMPT_MS, mapOf, within } from "./attempt.ts";
import { post } from "./post.ts";

/** A service account of Google, as its key file has it. */
export interface ServiceAccount {
  readonly projectId: string;
  readonly clientEmail: string;
  readonly privateKeyId: string | undefined;
  readonly privateKey: KeyObject;
  /** Where assertions are exchanged for access tokens. */
  readonly tokenUri: URL;
}

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION_S = 3_600;
/** An access token that ends sooner is replaced, while it still serves. */
const RENEW_BEFORE_MS = 300_000;
/** Answers of RFC 6749 and 7523. Others are not repeated, since nobody knows what they hold. */
const OAUTH_ERRORS = new Set([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
]);

/** The token endpoint gave no access token. The message has nothing secret. */
export class ExchangeRefused extends Error {
  override readonly name = "ExchangeRefused";
  /** The service account itself is refused, for as long as its file stays as it is. */
  readonly isUnauthorized: boolean;

  constructor(message: string, isUnauthorized: boolean) {
    super(message);
    this.isUnauthorized = isUnauthorized;
  }
}

interface AccessToken {
  readonly text: string;
  /** On the monotonic clock. */
  readonly endsAt: number;
}

/**
 * The access token of a service account (RFC 7523). One exchange runs at a time, and all who wait share it.
 */
export class GoogleToken {
  readonly #account: ServiceAccount;
  readonly #dispatcher: Dispatcher;
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  readonly #closed = new AbortController();
  #token: AccessToken | undefined;
  #exchange: Promise<AccessToken> | undefined;

  constructor(account: ServiceAccount, dispatcher: Dispatcher, clock: Pick<Clock, "now" | "monotonic">) {
    this.#account = account;
    this.#dispatcher = dispatcher;
    this.#clock = clock;
  }

  /** Rejects with ExchangeRefused, or as the connection failed, or with the signal's reason. */
  async get(signal: AbortSignal): Promise<string> {
    const leftMs = (this.#token?.endsAt ?? -Infinity) - this.#clock.monotonic();
    if (this.#token !== undefined && leftMs > RENEW_BEFORE_MS) return this.#token.text;
    const renewed = this.#renew();
    if (this.#token !== undefined && leftMs > 0) {
      renewed.catch(() => undefined); // The next one asks again, and is told once the old token has ended.
      return this.#token.text;
    }
    return (await endingWith(signal, renewed)).text;
  }

  /** The provider has refused this token: the next one is another, and asked for from now on. */
  drop(text: string): void {
    if (this.#token?.text !== text) return;
    this.#token = undefined;
    // What was asked for before may have been revoked with it.
    this.#exchange = undefined;
  }

  close(): void {
    this.#closed.abort();
  }

  async #renew(): Promise<AccessToken> {
    this.#exchange ??= within(ATTEMPT_MS, this.#closed.signal, async (signal) => this.#ask(signal));
    const exchange = this.#exchange;
    try {
      const token = await exchange;
      if (this.#exchange === exchange) this.#token = token;
      return token;
    } finally {
      if (this.#exchange === exchange) this.#exchange = undefined;
    }
  }

  async #ask(signal: AbortSignal): Promise<AccessToken> {
    const { tokenUri } = this.#account;
    const askedAt = this.#clock.monotonic();
    const body = new URLSearchParams({ grant_type: GRANT, assertion: await this.#assertion() }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const { status, text } = await post(this.#dispatcher, { url: tokenUri, headers, body }, signal);
    const { access_token: token, expires_in: seconds, error } = mapOf(text);
    if (status === 200 && typeof token === "string" && typeof seconds === "number" && seconds > 0)
      return { text: token, endsAt: askedAt + seconds * 1_000 };
    const why = typeof error === "string" && OAUTH_ERRORS.has(error) ? ` ${error}` : "";
    throw new ExchangeRefused(
      `the OAuth exchange of the service account failed: ${status}${why}`,
      status === 400 || status === 401 || status === 403,
    );
  }

  async #assertion(): Promise<string> {
    const { clientEmail, privateKey, privateKeyId, tokenUri } = this.#account;
    const at = Math.floor(this.#clock.now() / 1_000);
    return new SignJWT({ scope: SCOPE })
      .setProtectedHeader({
        alg: "RS256",
        typ: "JWT",
        ...(privateKeyId === undefined ? {} : { kid: privateKeyId }),
      })
      .setIssuer(clientEmail)
      .setAudience(tokenUri.href)
      .setIssuedAt(at)
      .setExpirationTime(at + ASSERTION_S)
      .sign(privateKey);
  }
}

/** `promise`, or the signal's reason as soon as it aborts. */
async function endingWith<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const stop = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, ended]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
