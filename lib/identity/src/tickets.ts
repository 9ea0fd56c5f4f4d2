import type { KeyObject } from "node:crypto";
import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { ChatError } from "@jichat/protocol/errors.ts";
import { isId } from "@jichat/protocol/id-forms.ts";
import { isOver, isWhole } from "./claims.ts";
import type { Identity } from "./tokens.ts";

/** A ticket's identity: its token's, and the device that it is for. */
export interface TicketIdentity extends Identity {
  readonly device: string;
}

interface Content {
  readonly u: string;
  readonly d: string;
  readonly k: string;
  readonly i: number;
  /** When the token expires, and when this ticket does: never later. */
  readonly x: number;
  readonly e: number;
  /** The revision of its token's credential. */
  readonly r?: number;
}

/** A ticket of the longest ids has less than 500. */
const TICKET_LENGTH_MAX = 1_024;
const TOKEN_ID_LENGTH_MAX = 64;

const invalid = (cause?: unknown): ChatError =>
  new ChatError("UNAUTHENTICATED", "no valid ticket", { cause });

/** An older version's ticket may hold what none may now: it is read as strictly as a token's claims. */
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
 * Signed with the first key of the cluster, so that any connector resumes a session without asking anybody;
 * checked with any of them.
 */
export class Tickets {
  /** As bytes one would be made a key anew for every ticket, which takes four times as long as to sign. */
  #signs: KeyObject;
  /** That one, and those of before: a ticket does not say which it is of. */
  #checks: readonly KeyObject[];
  readonly #lifeMs: number;

  constructor(clusterKeys: readonly [string, ...string[]], lifeMs: number) {
    this.#checks = clusterKeys.map(ticketKey);
    this.#signs = ticketKey(clusterKeys[0]);
    this.#lifeMs = lifeMs;
  }

  /** Other keys of the cluster from here on; tickets of keys that are gone are refused. */
  takeKeys(clusterKeys: readonly [string, ...string[]]): void {
    this.#checks = clusterKeys.map(ticketKey);
    this.#signs = ticketKey(clusterKeys[0]);
  }

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

  /** UNAUTHENTICATED for a forged ticket or another device's, TOKEN_EXPIRED for an old one. */
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
    // Its end is never behind its token's, so it outlives the token by no more than clocks may differ.
    if (isOver(Math.min(e, x), now))
      throw new ChatError("TOKEN_EXPIRED", "the ticket has expired: use a token");
    const own = r === undefined ? {} : { revision: r };
    return { user: u, device: d, tokenId: k, issuedAt: i, expiresAt: x, ...own };
  }
}
