/**
 * The address of a conversation is the fragment of the page's address, so that no server sees what is read.
 * `#/c/<conversation>` is a conversation, and `#/@<user>` a 1-1 conversation that may not exist yet.
 */
const CONVERSATION = /^#\/c\/([A-Za-z0-9_-]{1,64})$/;
const USER = /^#\/(@[A-Za-z0-9_-]{1,64})$/;

/** The conversation of an address, or `@user`. Undefined for the list, and for what is no address. */
export const targetOf = (hash: string): string | undefined =>
  CONVERSATION.exec(hash)?.[1] ?? USER.exec(hash)?.[1];

export const hashOf = (target: string | undefined): string =>
  target === undefined ? "#/" : target.startsWith("@") ? `#/${target}` : `#/c/${target}`;
