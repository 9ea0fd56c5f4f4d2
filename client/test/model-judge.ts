import type { ChatError } from "@jichat/protocol/errors.ts";
import type { WriteResult } from "../src/types.ts";
import type { ModelRun, Sent } from "./model-run.ts";
import { ME } from "./model-store.ts";

/** Sockets in 8 s: by back-off with the least of its jitter, and each connector once. */
const STORM_MS = 8_000;
const STORM_MAX = 20;

/** What must hold of a run, whatever was called and whatever went wrong. */
export class ModelJudge {
  readonly #run: ModelRun;

  constructor(run: ModelRun) {
    this.#run = run;
  }

  writes(when: "pending" | "closed"): void {
    const order = new Map<string, number>();
    for (const [index, sent] of this.#run.sent.entries()) {
      const { what, outcome, value, target, body, isTooLarge } = sent;
      if (outcome === "pending" && when === "pending") this.#run.blame(`${what} pends in a calm`);
      if (outcome === "rejected" && sent.life === this.#run.life) this.#refusal(sent);
      if (outcome !== "resolved") continue;
      if (isTooLarge) this.#run.blame(`${what} is larger than allowed, and acked`);
      const { id, conversation, seq } = value as WriteResult;
      const stored = this.#run.server.store.conversations.get(conversation)?.events[seq - 1];
      if (stored?.id !== id || JSON.stringify(stored.body) !== body)
        this.#run.blame(`${what} was acked as ${conversation} ${seq}, and is not there as it was said`);
      if ((order.get(target) ?? 0) > seq)
        this.#run.blame(`${what} was overtaken, number ${index} of ${target}`);
      order.set(target, seq);
    }
  }

  notices(): void {
    for (const notice of this.#run.notices) {
      if (notice.t !== "state") continue;
      const { state, error, life } = notice;
      if (state === "closed" && error !== undefined && !this.#run.mayEndWith.has(error.code))
        this.#run.blame(`is closed for good: ${String(error)}`);
      if (error !== undefined) continue;
      const isOurs = this.#run.closedByUs || life < this.#run.life;
      const needsReason = state === "offline" || (state === "closed" && !isOurs);
      if (needsReason) this.#run.blame(`is ${notice.state} without a reason`);
    }
  }

  storm(): void {
    if (this.#run.moved) return;
    const { dialledAt } = this.#run.server;
    dialledAt.forEach((at, index) => {
      if (at - (dialledAt[index - STORM_MAX] ?? Number.NEGATIVE_INFINITY) < STORM_MS)
        this.#run.blame(`connected ${STORM_MAX} times within ${STORM_MS / 1_000} s`);
    });
  }

  /** Each event once, in order, without a hole; one's own are known by their acks, unless they are asked for. */
  events(): void {
    const shown = new Map<string, number[]>();
    for (const notice of this.#run.notices) {
      if (notice.t !== "event") continue;
      const { conversation, seq, kind, from, id } = notice.event;
      shown.set(conversation, [...(shown.get(conversation) ?? []), seq]);
      const isAcked = this.#run.sent.some(
        ({ outcome, value, life }) =>
          outcome === "resolved" && (value as WriteResult).id === id && life === notice.life,
      );
      if (!this.#run.echo && kind === "message" && from === ME && isAcked)
        this.#run.blame(`its own message came back as ${conversation} ${seq}`);
    }
    const listed = new Set<string>();
    for (const notice of this.#run.notices) {
      if (notice.t !== "conversations") continue;
      for (const { conversation } of notice.conversations) listed.add(conversation);
      if (notice.complete) break;
    }
    const seqs = this.#run.client.seen()?.seqs;
    if (seqs === undefined) this.#run.blame("has seen nothing in the end");
    for (const { id, events } of this.#run.server.store.conversations.values()) {
      const got = shown.get(id) ?? [];
      if (got.some((seq, index) => index > 0 && seq <= (got[index - 1] ?? 0)))
        this.#run.blame(`${id} came out of order: ${got.join(" ")}`);
      // What was there before this device came is the past; what was made later it hears from the first on.
      const first = listed.has(id) ? (got[0] ?? Number.POSITIVE_INFINITY) : 0;
      const missing = events.filter(({ seq, from }) => seq > first && from !== ME && !got.includes(seq));
      if (missing.length > 0) this.#run.blame(`${id} lacks ${missing.map(({ seq }) => seq).join(" ")}`);
      if (seqs !== undefined && seqs[id] !== events.length)
        this.#run.blame(`${id} is seen up to ${seqs[id]}, not ${events.length}`);
    }
  }

  #refusal({ what, value, body }: Sent): void {
    const { code } = value as ChatError;
    const isRefused =
      this.#run.server.writes.refusedForGood.size > 0 && (code === "NOT_FOUND" || code === "FORBIDDEN");
    const isLarge = code === "FRAME_TOO_LARGE" && body.length > 250;
    const isDefect =
      code === "INTERNAL" && [...this.#run.server.writes.internals.values()].some((times) => times > 1);
    const isFull = code === "BUSY";
    if (!isRefused && !isLarge && !isDefect && !isFull && this.#run.client.state !== "closed")
      this.#run.blame(`${what} is refused with ${String(value)}`);
  }
}
