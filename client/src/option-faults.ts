import { ChatError } from "@jichat/protocol/errors.ts";
import { CONTROL, isMap } from "@jichat/protocol/frame/fields.ts";
import { isId } from "@jichat/protocol/id-forms.ts";
import { isCount, isText, mapOf } from "./shape.ts";
import type { Test } from "./shape.ts";
import type { ChatOptions } from "./types.ts";

const CLIENT_LENGTH_MAX = 128;

/** Whether this is an absolute `ws:` or `wss:` URL without a fragment, which WebSockets do not accept. */
function isUrl(value: unknown): boolean {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol } = new URL(value);
  return (protocol === "ws:" || protocol === "wss:") && !value.includes("#");
}

const isFunction: Test = (value) => typeof value === "function";

/** Whether this is a value of `seen()`. */
export const isSeen = mapOf({
  cursor: isText,
  seqs: (value) => isMap(value) && Object.values(value).every(isCount),
});

const isEncoding = mapOf({ subprotocol: isText, write: isFunction, read: isFunction });

/** A value as error messages show it: at most 100 characters of a text. */
export const shown = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : String(value);

/**
 * INVALID for options with which no connection can ever be made. They may come from a page's configuration.
 */
export function faultOf(options: ChatOptions): ChatError | undefined {
  const { urls, device, token, client, resume, encoding }: { readonly [K in keyof ChatOptions]: unknown } =
    options;
  const refuse = (why: string): ChatError => new ChatError("INVALID", why);
  if (!Array.isArray(urls) || urls.length === 0)
    return refuse("`urls` is not a list of connectors: `/v1/config` names them");
  const bad = urls.findIndex((url) => !isUrl(url));
  if (bad >= 0) return refuse(`\`urls[${bad}]\` is not a ws:// or wss:// URL: ${shown(urls[bad])}`);
  if (!isId(device)) return refuse(`\`device\` is not an id of [A-Za-z0-9_-]{1,64}: ${shown(device)}`);
  if (!isFunction(token)) return refuse("`token` is not a function");
  const isClient =
    client === undefined ||
    (typeof client === "string" && client.length <= CLIENT_LENGTH_MAX && !CONTROL.test(client));
  if (!isClient) return refuse(`\`client\` is not one line of at most ${CLIENT_LENGTH_MAX} characters`);
  if (encoding !== undefined && encoding !== "json" && !isEncoding(encoding))
    return refuse(
      `\`encoding\` is neither "json" nor \`msgpack\` of @jichat/client/msgpack: ${shown(encoding)}`,
    );
  return resume === undefined || resume === null || isSeen(resume)
    ? undefined
    : refuse("`resume` is not a value that `seen()` returned");
}
