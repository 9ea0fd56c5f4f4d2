import type { Muted, SettingsFrame } from "@jichat/protocol/frame/server-frame.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { SyncReply } from "@jichat/edge/sync.ts";

/** Settings as text, so that they can be compared; "" if there are none. */
const textOf = (muted: Muted | undefined): string => (muted === undefined ? "" : JSON.stringify(muted));

/** The settings that a device knows for its user in each conversation: those of the highest `at`. */
export class SettingsModel {
  readonly #known = new Map<string, { readonly at: number; readonly text: string }>();

  of(conversation: string): string {
    return this.#known.get(conversation)?.text ?? "";
  }

  told({ conversation, muted, at }: SettingsFrame): void {
    if (at >= (this.#known.get(conversation)?.at ?? 0))
      this.#known.set(conversation, { at, text: textOf(muted) });
  }

  listed(listed: SyncReply["conversations"][number]): void {
    if ("left" in listed) return;
    const { conversation, muted, settingsAt: at = 0 } = listed;
    this.told({ t: "settings", conversation, muted, at });
  }
}

/** What the log has of the settings of a user in a conversation: the latest of the present membership. */
export function settingsIn(batches: readonly Batch[]): (user: string, conversation: string) => string {
  const latest = new Map<string, string>();
  for (const record of batches.flatMap(({ records }) => records)) {
    const { conversation } = record;
    if (record.r === "setting") latest.set(`${record.user} ${conversation}`, textOf(record.settings?.muted));
    else if (record.r === "event" && record.kind === "left")
      for (const user of record.users ?? []) latest.delete(`${user} ${conversation}`);
  }
  return (user, conversation) => latest.get(`${user} ${conversation}`) ?? "";
}
