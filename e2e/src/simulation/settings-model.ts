import type { Muted, SettingsFrame } from "@jichat/protocol/frame/server-frame.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { SyncReply } from "@jichat/edge/sync.ts";

/** Settings as text, so that they can be compared; "" if there are none. */
const textOf = (muted: Muted | undefined): string => (muted === undefined ? "" : JSON.stringify(muted));

/** The settings that a device knows for its user in each conversation. */
export class SettingsModel {
  readonly #known = new Map<string, string>();
  /** What was told since the sync that is asked now: it is newer than the answer. */
  readonly #told = new Set<string>();

  of(conversation: string): string {
    return this.#known.get(conversation) ?? "";
  }

  /** A sync is asked from here on. */
  asks(): void {
    this.#told.clear();
  }

  told({ conversation, muted }: Pick<SettingsFrame, "conversation" | "muted">): void {
    this.#told.add(conversation);
    this.#known.set(conversation, textOf(muted));
  }

  listed(listed: SyncReply["conversations"][number]): void {
    if ("left" in listed || this.#told.has(listed.conversation)) return;
    this.#known.set(listed.conversation, textOf(listed.muted));
  }
}

/** The settings of each user in each conversation, as the log has them: the latest of the present membership. */
export function settingsIn(batches: readonly Batch[]): (user: string, conversation: string) => string {
  const latest = new Map<string, string>();
  for (const record of batches.flatMap(({ records }) => records)) {
    const { conversation } = record;
    if (record.r === "setting")
      latest.set(`${record.user} ${conversation}`, textOf(record.settings?.muted));
    else if (record.r === "event" && record.kind === "left")
      for (const user of record.users ?? []) latest.delete(`${user} ${conversation}`);
  }
  return (user, conversation) => latest.get(`${user} ${conversation}`) ?? "";
}
