import type { HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import type { QueuedMessage, QueuedReport } from "@jichat/protocol/bus/push.ts";
import { previewOf } from "@jichat/protocol/bus/push.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import type { StoredHead, StoredList } from "@jichat/presence/presence-texts.ts";
import { isWhole } from "@jichat/presence/presence-texts.ts";
import type { Scope } from "./job.ts";
import type { PushMetrics } from "./metrics.ts";
import type { Log, Queue, Registrations } from "./ports.ts";

const RETRY_MS = 500;
/** Most conversations of one report: the newest ones. */
const CONVERSATIONS_MAX = 100;

/** The lists in Redis (`lib/presence`). */
export interface ListsOf {
  list(user: string, partitions: number): Promise<StoredList>;
  heads(conversations: readonly string[], user: string): Promise<readonly (HeadEntry | undefined)[]>;
}

export interface ReportsParts {
  readonly clock: Pick<Clock, "sleep">;
  readonly lists: ListsOf;
  readonly queue: Pick<Queue, "add">;
  readonly registrations: Pick<Registrations, "of">;
  readonly partitions: number;
  readonly metrics: PushMetrics;
  readonly log: Log;
}

/**
 * What a device may have lost on a half-open connection: one entry of the queue for each conversation with
 * something unread since its last sign of life, with the last message of it.
 */
export class Reports {
  readonly #parts: ReportsParts;

  constructor(parts: ReportsParts) {
    this.#parts = parts;
  }

  /** Rejects only if the scope ends first. */
  async take(report: QueuedReport, { signal }: Scope): Promise<void> {
    const { clock, log } = this.#parts;
    for (;;) {
      try {
        await this.#tell(report);
        return;
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ err: error }, "what a device missed cannot be read yet: trying again");
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  async #tell(report: QueuedReport): Promise<void> {
    const { registrations, lists, queue, partitions, metrics } = this.#parts;
    const { user, device, since } = report;
    const devices = await registrations.of(user);
    // The device that was lost may be a tab, whose browser is registered.
    if (devices.length === 0) {
      metrics.countSkipped("unregistered");
      return;
    }
    const list = await lists.list(user, partitions);
    // Redis lost its data a moment ago: owners write their heads again.
    if (list.done.size < partitions) throw new Error("not all owners have told Redis of their conversations");
    if (!list.complete) metrics.countSkipped("unknown");
    const missed = newest(list, since);
    const heads = await this.#wholeHeads(user, missed);
    await Promise.all(
      missed.map(async ({ entry }, index) => {
        const message = messageOf(report, entry, heads[index]);
        if (message === undefined) return;
        const id = `report:${user}:${device}:${since}:${entry.conversation}`;
        await queue.add(partitionOf(entry.conversation, partitions), message, id);
      }),
    );
  }

  async #wholeHeads(user: string, missed: readonly Missed[]): Promise<readonly (HeadEntry | undefined)[]> {
    const brief = missed.flatMap(({ head }) => (isWhole(head) ? [] : [head.conversation]));
    const found = brief.length === 0 ? [] : await this.#parts.lists.heads(brief, user);
    const byConversation = new Map(brief.map((conversation, index) => [conversation, found[index]]));
    return missed.map(({ head }) => (isWhole(head) ? head : byConversation.get(head.conversation)));
  }
}

interface Missed {
  readonly entry: ListEntry;
  readonly head: StoredHead;
}

/** Conversations in which something happened after `since`, the newest first. */
function newest({ entries, heads }: StoredList, since: number): readonly Missed[] {
  return entries
    .flatMap((entry, index) => {
      const head = heads[index];
      return head === undefined || entry.left !== undefined || head.ts <= since ? [] : [{ entry, head }];
    })
    .toSorted((a, b) => b.head.ts - a.head.ts)
    .slice(0, CONVERSATIONS_MAX);
}

/** Pure: the entry of the queue. `undefined` if nothing of it is unread. */
function messageOf(
  { user, device }: QueuedReport,
  entry: ListEntry,
  head: HeadEntry | undefined,
): QueuedMessage | undefined {
  const last = head?.last;
  if (head === undefined || last === undefined || head.no <= entry.markNo) return undefined;
  if (last.seq <= entry.mark || last.from === user) return undefined;
  const preview = last.kind === "message" ? textOf(last.body) : "";
  return {
    is: "message",
    conversation: head.conversation,
    seq: last.seq,
    no: head.no,
    from: last.from,
    ts: last.ts,
    ...(last.mentions === undefined ? {} : { mentions: last.mentions }),
    ...(preview === "" ? {} : { preview }),
    ...(head.kind === "direct" ? { isDirect: true } : head.name === undefined ? {} : { name: head.name }),
    // Redis does not know how many members there are: the rule for large conversations does not apply.
    members: 0,
    to: [user],
    device,
  };
}

/** A body is JSON text between our processes. */
const textOf = (body: string | undefined): string =>
  body === undefined ? "" : previewOf((JSON.parse(body) as { readonly text?: unknown }).text);
