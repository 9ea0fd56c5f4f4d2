import type { KeyObject } from "node:crypto";
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { ChatError } from "@jichat/protocol/errors.ts";
import { isId } from "@jichat/protocol/id-forms.ts";
import { isOver, isWhole } from "./claims.ts";
import type { Identity } from "./tokens.ts";

/** A ticket's identity: that of its token, and the device that the ticket is for. */
export interface TicketIdentity extends Identity {
  readonly device: string;
}

interface Content {
  readonly u: string;
  readonly d: string;
  readonly k: string;
  readonly i: number;
  /**
   * `x`: when the token expires. `e`: when the ticket expires, never later than `x`. Milliseconds since 1970.
   */
  readonly x: number;
  readonly e: number;
  /** The revision of the token's credential. */
  readonly r?: number;
}

/** A ticket with the longest ids has fewer than 500 characters. */
const TICKET_LENGTH_MAX = 1_024;
const TOKEN_ID_LENGTH_MAX = 64;

const invalid = (cause?: unknown): ChatError =>
  new ChatError("UNAUTHENTICATED", "the ticket is not valid", { cause });

/**
 * Reads content as strictly as a token's claims: a ticket of an older version may hold values that are
 * invalid now.
 */
function readContent(text: string): Content {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch (cause) {
    throw invalid(cause);
  }
  if (typeof value !== "object" || value === null) throw invalid();
  const { u, d, k, i, x, e, r } = value as Partial<Record<keyof Content, unknown>>;
  if (typeof u !== "string" || !isId(u) || typeof d !== "string" || !isId(d)) throw invalid();
  if (typeof k !== "string" || k.length === 0 || k.length > TOKEN_ID_LENGTH_MAX) throw invalid();
  if (!isWhole(i) || !isWhole(x) || !isWhole(e)) throw invalid();
  if (r === undefined) return { u, d, k, i, x, e };
  if (!isWhole(r)) throw invalid();
  return { u, d, k, i, x, e, r };
}

const sign = (key: KeyObject, text: string): string =>
  createHmac("sha256", key).update(text).digest("base64url");

const ticketKey = (clusterKey: string): KeyObject =>
  createSecretKey(createHmac("sha256", clusterKey).update("tickets").digest());

/**
 * Issues and checks tickets. They are signed with the cluster's first key, so any connector resumes a session
 * without asking anybody. Any of the cluster's keys verifies.
 */
export class Tickets {
  /**
   * A key object: with raw bytes, each signature would create one, which takes four times as long as signing.
   */
  #signs: KeyObject;
  /** The signing key and the earlier ones: a ticket does not name its key. */
  #checks: readonly KeyObject[];
  readonly #lifeMs: number;

  constructor(clusterKeys: readonly [string, ...string[]], lifeMs: number) {
    this.#checks = clusterKeys.map(ticketKey);
    this.#signs = ticketKey(clusterKeys[0]);
    this.#lifeMs = lifeMs;
  }

  /** Replaces the cluster's keys. Tickets of removed keys are refused from now on. */
  takeKeys(clusterKeys: readonly [string, ...string[]]): void {
    this.#checks = clusterKeys.map(ticketKey);
    this.#signs = ticketKey(clusterKeys[0]);
  }

  /**
   * Issues a ticket for `lifeMs`, but never beyond the token's expiry. `now` is in milliseconds since 1970.
   */
  issue(identity: TicketIdentity, now: number): { ticket: string; ticketExpiresAt: number } {
    const { user, device, tokenId, issuedAt, expiresAt, revision } = identity;
    const ticketExpiresAt = Math.min(expiresAt, now + this.#lifeMs);
    const content: Content = {
      u: user,
      d: device,
      k: tokenId,
      i: issuedAt,
      x: expiresAt,
      e: ticketExpiresAt,
      ...(revision === undefined ? {} : { r: revision }),
    };
    const text = Buffer.from(JSON.stringify(content)).toString("base64url");
    return { ticket: `${text}.${sign(this.#signs, text)}`, ticketExpiresAt };
  }

  /** Throws UNAUTHENTICATED for a forged ticket or another device's, TOKEN_EXPIRED for an expired one. */
  verify(ticket: string, device: string, now: number): TicketIdentity {
    if (ticket.length > TICKET_LENGTH_MAX) throw invalid();
    const [text = "", mac = "", ...more] = ticket.split(".");
    const given = Buffer.from(mac);
    const isOurs = this.#checks.some((key) => {
      const wanted = Buffer.from(sign(key, text));
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    });
    if (more.length > 0 || !isOurs) throw invalid();
    const { u, d, k, i, x, e, r } = readContent(text);
    if (d !== device) throw new ChatError("UNAUTHENTICATED", "this ticket is for another device");
    // A ticket never expires after its token, so it outlives the token by the clock leeway at most.
    if (isOver(Math.min(e, x), now))
      throw new ChatError("TOKEN_EXPIRED", "the ticket has expired: use a token");
    const own = r === undefined ? {} : { revision: r };
    return { user: u, device: d, tokenId: k, issuedAt: i, expiresAt: x, ...own };
  }
}
