/** What a connector says of itself in Redis. Others read it before they send devices away. */
export interface Announcement {
  /** Which pod template it was started from; empty outside Kubernetes. */
  readonly revision: string;
  /** Since when it takes new devices, in milliseconds since 1970 by the cluster's clock; 0: it does not. */
  readonly acceptsSince: number;
  /** When it was started, by the same clock. */
  readonly startedAt: number;
  readonly sockets: number;
  readonly socketsMax: number;
}

/** Another connector. What a build says that announces nothing of itself is `undefined`. */
export interface OtherConnector {
  readonly connector: string;
  readonly says: Announcement | undefined;
}

export const announcementText = (announcement: Announcement): string => JSON.stringify(announcement);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Undefined for the text of a build that announces nothing of itself: `1`. */
export function readAnnouncement(text: string): Announcement | undefined {
  let said: Partial<Record<keyof Announcement, unknown>>;
  try {
    said = Object(JSON.parse(text)) as typeof said;
  } catch {
    return undefined; // A later build may write another form. It is as unknown as an earlier one.
  }
  const { revision, acceptsSince, startedAt, sockets, socketsMax } = said;
  if (typeof revision !== "string" || !isCount(acceptsSince) || !isCount(startedAt)) return undefined;
  if (!isCount(sockets) || !isCount(socketsMax)) return undefined;
  return { revision, acceptsSince, startedAt, sockets, socketsMax };
}
