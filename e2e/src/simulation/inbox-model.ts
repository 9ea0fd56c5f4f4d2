import { Timeline } from "@jichat/client/timeline.ts";
import { ChatError, asChatError } from "@jichat/protocol/errors.ts";
import type { ChatEvent, ServerFrame } from "@jichat/protocol/frame/server-frame.ts";
import type { Ledger } from "../ledger.ts";
import type { MarksModel } from "./marks-model.ts";
import type { SettingsModel } from "./settings-model.ts";
import type { Socket } from "./socket-model.ts";
import type { Time } from "./world.ts";

/** Where an inbox records what its device was shown. */
export interface InboxParts {
  readonly time: Pick<Time, "sleep">;
  readonly ledger: Pick<Ledger, "received">;
  violate(invariant: string, what: string): void;
}

/** The device of an inbox. */
interface Reader {
  readonly user: string;
  readonly name: string;
  readonly marks: Pick<MarksModel, "event" | "receipt" | "listed">;
  readonly settings: Pick<SettingsModel, "listed" | "told">;
  readonly socket: Socket | undefined;
}

/** The inbox of a device. It shows each conversation in order, and repairs what it missed. */
export class InboxModel {
  readonly #sim: InboxParts;
  readonly #device: Reader;
  readonly #timelines = new Map<string, Timeline>();
  #heard = new Map<string, number>();
  #cursor: string | undefined;
  #syncing = false;
  #syncAgain = false;
  readonly #repairing = new Map<string, Promise<void>>();
  #synced = false;

  constructor(sim: InboxParts, device: Reader) {
    this.#sim = sim;
    this.#device = device;
  }

  /** Whether the first sync is done. */
  get isReady(): boolean {
    return this.#synced;
  }

  /** The last seq that was shown; 0 if none was. */
  lastOf(conversation: string): number {
    return this.#timelines.get(conversation)?.last ?? 0;
  }

  /** Starts a new order for a new socket. */
  startOver(): void {
    this.#heard = new Map();
  }

  hear(frame: ServerFrame): void {
    const { user, name } = this.#device;
    if (frame.t === "event") {
      const { t: _, ...event } = frame;
      const before = this.#heard.get(event.conversation) ?? 0;
      if (event.seq <= before)
        this.#sim.violate(
          "I2",
          `${user}/${name} heard ${event.conversation} ${event.seq} after ${before} on one socket`,
        );
      this.#heard.set(event.conversation, event.seq);
      const timeline = this.#timeline(event.conversation);
      for (const shown of timeline.insert(event, user)) this.#show(shown);
      if (timeline.hasHole) void this.#repair(event.conversation, timeline);
    } else if (frame.t === "receipt") this.#device.marks.receipt(frame);
    else if (frame.t === "settings") this.#device.settings.told(frame);
    else if (frame.t === "gap") {
      const timeline = frame.conversation === undefined ? undefined : this.#timeline(frame.conversation);
      if (timeline === undefined || frame.conversation === undefined) void this.sync();
      else {
        timeline.head = Math.max(timeline.head, frame.head ?? 0);
        if (timeline.hasHole) void this.#repair(frame.conversation, timeline);
      }
    }
  }

  #show(event: ChatEvent): void {
    const { user, name, marks } = this.#device;
    marks.event(event);
    this.#sim.ledger.received(user, name, event);
  }

  #timeline(conversation: string): Timeline {
    const known = this.#timelines.get(conversation);
    if (known !== undefined) return known;
    const timeline = new Timeline(0);
    this.#timelines.set(conversation, timeline);
    return timeline;
  }

  #repair(conversation: string, timeline: Timeline): Promise<void> {
    const running = this.#repairing.get(conversation);
    if (running !== undefined) return running;
    const repair = this.#pullMissing(conversation, timeline).finally(() =>
      this.#repairing.delete(conversation),
    );
    this.#repairing.set(conversation, repair);
    return repair;
  }

  async #pullMissing(conversation: string, timeline: Timeline): Promise<void> {
    while (timeline.hasHole && this.#device.socket !== undefined) {
      const socket = this.#device.socket;
      try {
        const page = await socket.reply(socket.connector.pull(socket, conversation, timeline.last));
        if (socket === this.#device.socket) for (const event of timeline.fill(page)) this.#show(event);
      } catch (thrown) {
        if (asChatError(thrown).code === "NOT_FOUND") timeline.head = timeline.last;
        await this.#sim.time.sleep(100);
      }
    }
  }

  get isSyncing(): boolean {
    return this.#syncing;
  }

  /** Asks for the missed events. A call during a sync makes one more sync follow. */
  async sync(): Promise<void> {
    this.#syncAgain = true;
    if (this.#syncing) return;
    this.#syncing = true;
    while (this.#syncAgain && this.#device.socket !== undefined) {
      this.#syncAgain = false;
      const socket = this.#device.socket;
      try {
        const asked = socket.connector.sync(this.#device.user, this.#cursor, socket.takeList());
        const reply = await socket.reply(asked);
        if (socket !== this.#device.socket) throw new ChatError("UNAVAILABLE", "the connection was lost");
        for (const listed of reply.conversations) {
          this.#device.marks.listed(listed);
          this.#device.settings.listed(listed);
          const timeline = this.#timeline(listed.conversation);
          timeline.head = Math.max(timeline.head, "left" in listed ? listed.left : listed.head);
        }
        await Promise.all(
          [...this.#timelines].flatMap(([id, timeline]) =>
            timeline.hasHole ? [this.#repair(id, timeline)] : [],
          ),
        );
        if (socket !== this.#device.socket) throw new ChatError("UNAVAILABLE", "the connection was lost");
        this.#cursor = reply.cursor;
        this.#synced = true;
      } catch {
        this.#syncAgain = true;
        await this.#sim.time.sleep(100);
      }
    }
    this.#syncing = false;
  }
}
