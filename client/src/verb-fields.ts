import type { FieldsOf, VerbName } from "@jichat/conversation/tables.ts";

/** What an application gives for a frame: its `t` and `id` aside. */
export interface FrameFields<Name extends string = string> {
  readonly required: readonly Name[];
  readonly optional?: readonly Name[];
}

const AT_MESSAGE = { required: ["conversation", "seq"] } as const;
const OF_USERS = { required: ["conversation", "users"] } as const;

/**
 * The names of every verb's fields. With the verbs' own table, an app would carry the servers' decisions too.
 * `verb-fields.test.ts` compares the two.
 */
export const VERB_FIELDS: {
  readonly [V in VerbName]: FrameFields<Exclude<keyof FieldsOf<V> & string, "id">>;
} = {
  send: { required: ["body"], optional: ["conversation", "to", "replyTo", "mentions"] },
  edit: { required: ["conversation", "seq", "body"] },
  recall: AT_MESSAGE,
  create: { required: ["kind", "name", "members"] },
  rename: { required: ["conversation", "name"] },
  invite: OF_USERS,
  remove: OF_USERS,
  leave: { required: ["conversation"] },
  read: AT_MESSAGE,
  pin: AT_MESSAGE,
  unpin: AT_MESSAGE,
  mute: { required: ["conversation"], optional: ["until", "mentionsOnly"] },
  unmute: { required: ["conversation"] },
};
