import type { ErrorCode } from "./errors.ts";
import { ERRORS } from "./errors.ts";

/**
 * What an operation of REST has that can be refused:
 * `any` (every operation), `backends` (asks NATS, Redis or storage), `token` (needs a token), `signIn` (gives
 * one for a password), `limited` (has no token, so that its limits are by address), `content` (may have a
 * body), `level` (answered from a level of the cluster on), `target` (names something that may not be there),
 * `rights` (may be forbidden), `change` (fails if something is taken, or changes meanwhile).
 */
export type RestTrait =
  | "any"
  | "backends"
  | "token"
  | "signIn"
  | "limited"
  | "content"
  | "level"
  | "target"
  | "rights"
  | "change";

/** Codes that REST answers with. A frame that breaks the protocol is a request that does: `INVALID`. */
export type RestErrorCode = Exclude<ErrorCode, "FRAME_MALFORMED">;

interface RestError {
  /** The code may come from operations with any of these traits. */
  readonly traits: readonly RestTrait[];
  /** For a reader of the REST reference: one line, without a full stop. */
  readonly when: string;
  /** Statuses beside that of the code itself. */
  readonly also?: Readonly<Record<number, { readonly trait: RestTrait; readonly when: string }>>;
}

/** Which operations of REST answer with which code. OpenAPI and the reference are made from this table. */
export const REST_ERRORS: Readonly<Record<RestErrorCode, RestError>> = {
  INVALID: {
    traits: ["any"],
    when: "the request breaks the protocol; `message` names the field or the parameter",
    also: {
      408: { trait: "any", when: "the request did not come to its end within 30 s" },
      415: { trait: "content", when: "the body is not `application/json`" },
      431: { trait: "any", when: "the request line and the headers have more than 16 KB" },
    },
  },
  FRAME_UNKNOWN: {
    traits: ["level"],
    when: "the cluster is being upgraded, and does not answer this yet",
  },
  UNAUTHENTICATED: {
    traits: ["token", "signIn"],
    when: "there is no valid token, it was revoked, or the password is wrong",
  },
  TOKEN_EXPIRED: { traits: ["token"], when: "the token has expired: sign in again" },
  FORBIDDEN: { traits: ["rights"], when: "the caller may not do this" },
  NOT_FOUND: { traits: ["target"], when: "it does not exist, or not for the caller" },
  CONFLICT: { traits: ["change"], when: "it is taken, was changed meanwhile, or would go over a limit" },
  FRAME_TOO_LARGE: {
    traits: ["content"],
    when: "the body has more than 256 KB, or does not fit into the log",
  },
  RATE_LIMITED: { traits: ["token", "limited"], when: "too fast: retry after `retryAfterMs`" },
  BUSY: { traits: ["backends"], when: "there is no capacity: retry after `retryAfterMs`" },
  UNAVAILABLE: {
    traits: ["backends"],
    when: "a backend is down, and it may not be known whether something was stored: retry after `retryAfterMs`",
  },
  INTERNAL: { traits: ["any"], when: "a defect; the `traceId` finds it in the logs" },
};

const CODES = Object.keys(REST_ERRORS) as readonly RestErrorCode[];

/** A code that an operation answers with, and what it means there. */
export interface RestRefusal {
  readonly code: RestErrorCode;
  readonly status: number;
  readonly when: string;
}

/** What an operation with these traits answers with, by HTTP status, which rises. */
export function restErrorsOf(traits: ReadonlySet<RestTrait>): ReadonlyMap<number, readonly RestRefusal[]> {
  const found = CODES.flatMap((code): RestRefusal[] => {
    const { traits: wanted, when, also = {} } = REST_ERRORS[code];
    const more = Object.entries(also)
      .filter(([, { trait }]) => traits.has(trait))
      .map(([status, { when }]) => ({ code, status: Number(status), when }));
    return wanted.some((trait) => traits.has(trait))
      ? [{ code, status: ERRORS[code].http, when }, ...more]
      : more;
  });
  const byStatus = Map.groupBy(found, ({ status }) => status);
  return new Map([...byStatus].sort(([a], [b]) => a - b));
}
