/** A push as the workers of the cluster write it (docs/push.md). */
export type Pushed = PushedNotification | PushedWithdrawal;

interface About {
  readonly conversation: string;
  readonly seq: number;
  /** Unread messages over conversations that are not muted. */
  readonly badge: number | undefined;
  /** The tag of the notification: the same for all of a conversation. */
  readonly tag: string;
}

export interface PushedNotification extends About {
  readonly is: "notification";
  readonly title: string;
  readonly text: string;
  readonly hasSound: boolean;
}

/** The conversation was read up to `seq` elsewhere. */
export interface PushedWithdrawal extends About {
  readonly is: "withdrawal";
}

const isCount = (value: unknown, least: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least;
const isMatch = (value: unknown, form: RegExp): value is string =>
  typeof value === "string" && form.test(value);

function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // Whatever it is, it is not a push of ours.
  }
}

/** Reads the text of a push. Undefined for anything that is not one, or is of another version. */
export function readPushed(text: string): Pushed | undefined {
  const { v, is, conversation, seq, badge, tag, title, text: body, sound } = fieldsOf(text) ?? {};
  if (v !== 1 || !isMatch(conversation, /^[\w-]{1,64}$/) || !isMatch(tag, /^[\w-]{1,32}$/)) return undefined;
  if (!isCount(seq, 1) || (badge !== undefined && !isCount(badge, 0))) return undefined;
  const about = { conversation, seq, badge, tag };
  if (is === "withdrawal") return { is, ...about };
  if (is !== "notification" || typeof title !== "string" || typeof body !== "string") return undefined;
  return { is, ...about, title, text: body, hasSound: sound === true };
}

/** What a notification of ours carries to who clicks or closes it. */
export interface NotificationData {
  readonly conversation: string;
  /** The newest message that it tells of. Absent in one that a tab shows. */
  readonly seq?: number;
  /** Where a click leads. */
  readonly hash: string;
}

/** Reads a notification's data; undefined in one that tells of no conversation. */
export function readNotificationData(data: unknown): NotificationData | undefined {
  const { conversation, seq, hash } = (data ?? {}) as Partial<Record<keyof NotificationData, unknown>>;
  if (typeof conversation !== "string" || typeof hash !== "string") return undefined;
  return { conversation, hash, ...(isCount(seq, 1) ? { seq } : {}) };
}
