import type { Clock } from "@jichat/protocol/clock.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import { STEP_MS, UNSEEN_MS, delaysOf, toldNow } from "./drain-pace.ts";
import type { Standing } from "./drain-pace.ts";
import type { Hub } from "./hub.ts";
import type { TicketParts } from "./issue-ticket.ts";
import { issueTicket } from "./issue-ticket.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { Session } from "./session.ts";
import { ToldCount } from "./told-count.ts";

export interface MoverParts extends TicketParts {
  readonly hub: Pick<Hub, "sockets">;
  readonly metrics: Pick<ConnectorMetrics, "countMove">;
  /** The host's clock, for durations. */
  readonly time: Pick<Clock, "monotonic" | "sleep">;
}

export interface MoveStep extends Pick<Standing, "perSecond" | "places" | "evenLeftMs"> {
  readonly reason: string;
  /** How long a device may stay after the time at which it was told to go. */
  readonly graceMs: number;
  /** The most devices that may still be told, after this step too. */
  readonly most: number;
}

/** Tells devices to go elsewhere, the oldest sockets first, and closes those that stay. */
export class Mover {
  readonly #parts: MoverParts;
  readonly #toldCount = new ToldCount(UNSEEN_MS);
  /** Those that were told, with the monotonic time at which they are closed. */
  readonly #leaving = new Map<Session, { readonly closeAt: number; readonly reason: string }>();
  #told = 0;
  #forced = 0;

  constructor(parts: MoverParts) {
    this.#parts = parts;
  }

  get told(): number {
    return this.#told;
  }

  /** Sockets that were closed since their devices had not gone in time. */
  get forced(): number {
    return this.#forced;
  }

  /** Those that were told and are still here. */
  get leaving(): number {
    return this.#leaving.size;
  }

  /** Call every `STEP_MS`. Returns how many were told. */
  step({ most, graceMs, reason, ...pace }: MoveStep): number {
    const { time } = this.#parts;
    const now = time.monotonic();
    this.#look(now);
    const stayers = most === 0 ? [] : this.#stayers();
    const count = toldNow({
      ...pace,
      untold: Math.min(most, stayers.length),
      toldInSecond: this.#toldCount.within(now, 1_000),
      toldUnseen: this.#toldCount.within(now, UNSEEN_MS),
    });
    const delays = delaysOf(count);
    delays.forEach((delayMs, index) => {
      const session = stayers[index];
      if (session !== undefined) this.#tell(session, delayMs, now + delayMs + graceMs, reason);
    });
    this.#toldCount.add(now, count);
    return count;
  }

  #stayers(): Session[] {
    const stayers: Session[] = [];
    for (const session of this.#parts.hub.sockets)
      if (session.isLive && !session.isLeaving) stayers.push(session);
    return stayers;
  }

  #tell(session: Session, reconnectAfterMs: number, closeAt: number, reason: string): void {
    session.isLeaving = true;
    this.#leaving.set(session, { closeAt, reason });
    this.#told += 1;
    this.#parts.metrics.countMove("told");
    session.write({
      t: "goaway",
      reason,
      reconnectAfterMs,
      ticket: issueTicket(this.#parts, session).ticket,
    });
  }

  /** Notes who has gone, and closes who is overdue. */
  #look(now: number): void {
    for (const [session, { closeAt, reason }] of this.#leaving) {
      if (session.isOpen && now < closeAt) continue;
      this.#leaving.delete(session);
      if (!session.isOpen) this.#parts.metrics.countMove("gone");
      else {
        session.isOverdue = true;
        this.#force(session, reason);
      }
    }
  }

  /** Closes everybody who is left. */
  closeAll(reason: string): void {
    this.#look(Number.POSITIVE_INFINITY);
    for (const session of this.#parts.hub.sockets) if (session.isOpen) this.#force(session, reason);
  }

  #force(session: Session, reason: string): void {
    this.#forced += 1;
    this.#parts.metrics.countMove("forced");
    session.close(CLOSE.goingAway, reason);
  }

  /** Nobody is closed any more. Devices that were told may still go. */
  cancel(): void {
    for (const session of this.#leaving.keys()) session.isLeaving = false;
    this.#leaving.clear();
  }

  /** Resolves when the next step is due. */
  async untilNext(): Promise<void> {
    await this.#parts.time.sleep(STEP_MS);
  }
}
