/**
 * The address of a conversation is the fragment of the page's address, so that no server sees what is read.
 * `#/c/<conversation>` is a conversation, `#/c/<conversation>/<seq>` one of its messages, and `#/@<user>` a 1-1
 * conversation that may not exist yet.
 */
const CONVERSATION = /^#\/c\/([A-Za-z0-9_-]{1,64})(?:\/([1-9]\d{0,14}))?$/;
const USER = /^#\/(@[A-Za-z0-9_-]{1,64})$/;

/** The conversation of an address, or `@user`. Undefined for the list, and for what is no address. */
export const targetOf = (hash: string): string | undefined =>
  CONVERSATION.exec(hash)?.[1] ?? USER.exec(hash)?.[1];

/** The message of an address that names one. */
export function seqOf(hash: string): number | undefined {
  const seq = CONVERSATION.exec(hash)?.[2];
  return seq === undefined ? undefined : Number(seq);
}

/** `seq` has a meaning only with a conversation. */
export function hashOf(target: string | undefined, seq?: number): string {
  if (target === undefined) return "#/";
  if (target.startsWith("@")) return `#/${target}`;
  return seq === undefined ? `#/c/${target}` : `#/c/${target}/${seq}`;
}
