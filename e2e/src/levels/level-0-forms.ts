import { createHash, createHmac, createPrivateKey, sign } from "node:crypto";
import type { JsonWebKey } from "node:crypto";

/**
 * Tokens, tickets and cursors exactly as level 0 wrote them. They must be made anew, since tokens and tickets
 * expire, and a cursor names its streams. The output of these functions is first compared with the recorded
 * ones. The functions do not change with later levels, since people hold credentials of this form.
 */
const base64url = (text: string): string => Buffer.from(text).toString("base64url");
const textOf = (part = ""): string => Buffer.from(part, "base64url").toString("utf8");

/** The same text with other numbers, and no other change. */
function withNumbers(json: string, numbers: Readonly<Record<string, number>>): string {
  const content = JSON.parse(json) as Readonly<Record<string, unknown>>;
  return JSON.stringify({ ...content, ...numbers });
}

/** The same ticket with other times: `x` is the expiry of its token, and `e` its own. */
export function ticketAgain(
  ticket: string,
  clusterKey: string,
  times: { readonly x?: number; readonly e?: number } = {},
): string {
  const [content] = ticket.split(".");
  const text = base64url(withNumbers(textOf(content), times));
  const key = createHmac("sha256", clusterKey).update("tickets").digest();
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

/** The same token with other times, in seconds. */
export function tokenAgain(
  token: string,
  signingKey: string,
  times: { readonly iat?: number; readonly exp?: number } = {},
): string {
  const [header = "", claims] = token.split(".");
  const text = `${header}.${base64url(withNumbers(textOf(claims), times))}`;
  const key = createPrivateKey({ key: JSON.parse(signingKey) as JsonWebKey, format: "jwk" });
  return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
}

/** The identity of the logs: when each partition's stream was created. No backup was restored. */
const identityOf = (created: readonly string[]): string =>
  createHash("sha256")
    .update(JSON.stringify(["", created]))
    .digest()
    .subarray(0, 8)
    .toString("base64url");

/** The same positions, in logs that were created at these times. */
export function cursorAgain(cursor: string, created: readonly string[]): string {
  const [positions = ""] = cursor.split("=");
  return `${positions}=${identityOf(created)}`;
}
