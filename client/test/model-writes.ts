import type { ChatEvent, Limits } from "@jichat/protocol/frame/server-frame.ts";
import type { Dice } from "@jichat/protocol/dice.ts";
import type { ModelSocket } from "./model-socket.ts";
import { ME } from "./model-store.ts";
import type { Conversation, ModelStore } from "./model-store.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** A frame of a client, as far as a server has to look at all of them. */
export type Frame = Readonly<Record<string, unknown>> & { readonly t: string; readonly id: string };

export const RETRYABLE = ["BUSY", "RATE_LIMITED", "UNAVAILABLE", "INTERNAL"] as const;
const FOR_GOOD = ["NOT_FOUND", "FORBIDDEN"] as const;

/** A refused send that has not come again. */
interface Refused {
  readonly id: string;
  at: number;
}

/**
 * So long those behind a refused send wait for it to come again. By the protocol it is 5 s; where a network
 * takes longer than that for an answer, order is not promised, and here it shall be.
 */
const SILENT_MS = 60_000;

/** The server that writes come to. */
export interface WriteHost {
  readonly store: ModelStore;
  readonly clock: VirtualClock;
  readonly dice: Dice;
  /** Of each write: that it is refused, or takes long. */
  readonly trouble: number;
  readonly echo: boolean;
  /** Who hears of what happens. */
  readonly live: ModelSocket | undefined;
  limitsOf(socket: ModelSocket): Limits;
  deliver(event: ChatEvent): void;
  /** Tells the settings of a conversation. */
  settings(conversation: Conversation): void;
  ack(socket: ModelSocket, id: string, conversation: Conversation, seq: number, isKnown?: boolean): void;
  refuse(socket: ModelSocket, id: string, code: string): void;
  malformed(socket: ModelSocket, id: string, what: string): void;
}

/** What becomes of writes: stored once and in their order, refused for a while, or for good. */
export class ModelWrites {
  readonly #host: WriteHost;
  readonly refusedForGood = new Set<string>();
  /** How often a write was answered INTERNAL, by its id. */
  readonly internals = new Map<string, number>();
  /** Writes that are stored, or on their way there. */
  readonly #admitted = new Set<string>();
  #storedAt = 0;
  /** Refused sends of a socket by conversation, in their order (docs/protocol.md). */
  readonly #lines = new WeakMap<ModelSocket, Map<string, Refused[]>>();

  constructor(host: WriteHost) {
    this.#host = host;
  }

  create(socket: ModelSocket, id: string): void {
    const isNew = !this.#host.store.conversations.has(`g_${id}`);
    const group = this.#host.store.group(`g_${id}`);
    const [created] = group.events;
    if (isNew && created !== undefined && (this.#host.echo || this.#host.live !== socket))
      this.#host.deliver(created);
    this.#host.ack(socket, id, group, 1);
  }

  write(socket: ModelSocket, frame: Frame, name: string | undefined): void {
    const { t, id } = frame;
    const { to, body } = frame as { to?: string; body?: unknown };
    if (body !== undefined && Buffer.byteLength(JSON.stringify(body)) > this.#host.limitsOf(socket).bodyBytes)
      return this.#host.malformed(socket, id, "a body over the limit");
    const key = to === undefined ? (name ?? "") : `d_${to}`;
    if (t === "send" && this.#isHeldBack(socket, key, id)) return this.#host.refuse(socket, id, "BUSY");
    if (this.refusedForGood.has(id)) return this.#host.refuse(socket, id, "FORBIDDEN");
    if (!this.#admitted.has(id) && this.#host.dice.chance(this.#host.trouble))
      return this.#refuseWrite(socket, frame, key);
    this.#admitted.add(id);
    // On its way through the cluster it may outlive the socket that it came by; nothing overtakes it.
    const takesMs = this.#host.trouble > 0 && this.#host.dice.chance(0.1) ? 3_000 : 10;
    this.#storedAt = Math.max(this.#storedAt, this.#host.clock.at + this.#host.dice.between(0, takesMs));
    this.#host.clock.after(this.#storedAt - this.#host.clock.at, () => {
      this.#store(socket, frame, key);
    });
  }

  #store(socket: ModelSocket, frame: Frame, key: string): void {
    const { t, id } = frame;
    const { to, body, seq } = frame as { to?: string; body?: unknown; seq?: number };
    const conversation =
      to === undefined ? this.#host.store.conversations.get(key) : this.#host.store.direct(to, ME);
    if (conversation === undefined) {
      this.refusedForGood.add(id);
      return this.#host.refuse(socket, id, "NOT_FOUND");
    }
    const known = conversation.seqById.get(id);
    if (known !== undefined) return this.#host.ack(socket, id, conversation, known, true);
    if (t === "read") {
      const mark = this.#host.store.read(conversation, seq ?? 0);
      const { live } = this.#host;
      if (live !== socket) live?.say({ t: "receipt", conversation: conversation.id, user: ME, seq: mark });
      return this.#host.ack(socket, id, conversation, mark);
    }
    if (t === "mute" || t === "unmute") return this.#mute(socket, frame, conversation);
    if (t !== "send" && !this.#mayChange(conversation, seq)) {
      this.refusedForGood.add(id);
      return this.#host.refuse(socket, id, "CONFLICT");
    }
    const kind = t === "edit" ? "edited" : t === "recall" ? "recalled" : "message";
    const event = this.#host.store.append(conversation, {
      kind,
      from: ME,
      id,
      ...(body === undefined ? {} : { body }),
      ...(seq === undefined ? {} : { target: seq }),
    });
    if (this.#host.echo || this.#host.live !== socket) this.#host.deliver(event);
    this.#host.ack(socket, id, conversation, event.seq);
  }

  /** Whoever is live hears of it. An id is known from then on. */
  #mute(socket: ModelSocket, { t, id, ...fields }: Frame, conversation: Conversation): void {
    const { until, mentionsOnly } = fields as { until?: number; mentionsOnly?: boolean };
    const muted = { ...(until && { until }), ...(mentionsOnly === true && { mentionsOnly }) };
    this.#host.store.mute(conversation, t === "mute" ? muted : undefined);
    const { events, seqById } = conversation;
    seqById.set(id, events.length);
    this.#host.ack(socket, id, conversation, events.length);
    this.#host.settings(conversation);
  }

  /** Whether `seq` is a message that was not recalled. */
  #mayChange({ events }: Conversation, seq: number | undefined): boolean {
    const isGone = events.some(({ kind, target }) => kind === "recalled" && target === seq);
    return events[(seq ?? 0) - 1]?.kind === "message" && !isGone;
  }

  #refuseWrite(socket: ModelSocket, { t, id }: Frame, key: string): void {
    // A member's mark is never refused for good.
    const isForGood = this.#host.dice.chance(0.2) && t !== "read";
    const code = this.#host.dice.pick(isForGood ? FOR_GOOD : RETRYABLE);
    if (isForGood) this.refusedForGood.add(id);
    else if (t === "send")
      this.#linesOf(socket).set(key, [{ id, at: this.#host.clock.at }, ...this.#line(socket, key)]);
    if (code === "INTERNAL") this.internals.set(id, (this.internals.get(id) ?? 0) + 1);
    this.#host.refuse(socket, id, code);
  }

  /** Behind a send that was refused for a while nobody passes until it has come again. */
  #isHeldBack(socket: ModelSocket, key: string, id: string): boolean {
    const line = this.#line(socket, key);
    const { at } = this.#host.clock;
    while (line[0] !== undefined && line[0].id !== id && at - line[0].at > SILENT_MS) line.shift();
    const [first] = line;
    if (first === undefined || first.id === id) {
      line.shift();
      return false;
    }
    const place = line.find((refused) => refused.id === id);
    if (place === undefined) line.push({ id, at });
    else place.at = at;
    return true;
  }

  #linesOf(socket: ModelSocket): Map<string, Refused[]> {
    const known = this.#lines.get(socket);
    if (known !== undefined) return known;
    const lines = new Map<string, Refused[]>();
    this.#lines.set(socket, lines);
    return lines;
  }

  #line(socket: ModelSocket, key: string): Refused[] {
    return this.#linesOf(socket).get(key) ?? [];
  }
}
