import type { Command } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import { isRefused } from "@jichat/protocol/bus/command.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import type { Dice } from "@jichat/protocol/dice.ts";
import type { Ledger } from "../ledger.ts";
import { LOG_BYTES_AT_ONCE } from "./log-model.ts";
import type { MarksModel } from "./marks-model.ts";
import type { Socket } from "./socket-model.ts";
import type { Time } from "./world.ts";

interface Write {
  readonly id: string;
  readonly target: string;
  readonly make: (socket: Socket) => Command;
  isSent: boolean;
  notBefore: number;
  readonly isSend: boolean;
}

/** Where an outbox records what happened to its writes. */
export interface OutboxParts {
  readonly time: Pick<Time, "now" | "after" | "sleep">;
  readonly dice: Pick<Dice, "chance" | "between">;
  readonly ledger: Pick<Ledger, "acked" | "refused" | "readAcked">;
  /** The highest acked seq of each conversation. */
  readonly ackedHead: Map<string, number>;
  readonly refused: string[];
  violate(invariant: string, what: string): void;
}

/** The device of an outbox. */
interface Writer {
  readonly user: string;
  readonly name: string;
  readonly marks: Pick<MarksModel, "raise">;
  readonly socket: Socket | undefined;
}

/** The writes of a device: in order per target, and repeated until each has a final answer. */
export class OutboxModel {
  readonly #sim: OutboxParts;
  readonly #device: Writer;
  #writes: Write[] = [];

  constructor(sim: OutboxParts, device: Writer) {
    this.#sim = sim;
    this.#device = device;
  }

  get length(): number {
    return this.#writes.length;
  }

  describe(): string {
    return (
      this.#writes.map(({ id, isSent }) => `${id}${isSent ? "" : " (not sent)"}`).join(", ") || "nothing"
    );
  }

  /** A new socket: every write without an answer is sent again on it. */
  startOver(): void {
    for (const write of this.#writes) write.isSent = false;
    this.#pump();
  }

  put(id: string, target: string, isSend: boolean, make: Write["make"]): void {
    if (this.#writes.some((write) => write.id === id)) return;
    this.#writes.push({ id, target, make, isSend, isSent: false, notBefore: 0 });
    this.#pump();
  }

  #pump(): void {
    const held = new Set<string>();
    for (const write of this.#writes) {
      const socket = this.#device.socket;
      if (socket === undefined) return;
      if (write.isSent) continue;
      if (write.notBefore > this.#sim.time.now || held.has(write.target)) {
        held.add(write.target);
        continue;
      }
      write.isSent = true;
      this.#transmit(write, socket);
    }
  }

  /** Sends copies of the writes in flight, like an impatient application. */
  repeat(): void {
    const { socket } = this.#device;
    if (socket !== undefined)
      for (const write of this.#writes) if (write.isSent) this.#transmit(write, socket);
  }

  #transmit(write: Write, socket: Socket): void {
    const command = write.make(socket);
    socket.arrives(() => {
      if (socket.isOpen) void this.#exchange(write, socket, command);
    });
  }

  async #exchange(write: Write, socket: Socket, command: Command): Promise<void> {
    const answer = await socket.connector.submit(socket, command);
    if (isRefused(answer) && !isRetryable(answer.code))
      this.#sim.ledger.refused(this.#device.user, this.#device.name, write.id);
    await this.#sim.time.sleep(socket.wireMs);
    if (socket === this.#device.socket) this.#answered(write, command, answer);
  }

  #answered(write: Write, command: Command, answer: Exclude<Answer, "later">): void {
    // The write was repeated meanwhile and has its final answer. A second answer belongs to no request, as in
    // the SDK.
    if (!this.#writes.includes(write)) return;
    if (isRefused(answer) && isRetryable(answer.code)) {
      const waitMs = answer.retryAfterMs ?? 200;
      const notBefore = this.#sim.time.now + waitMs;
      const from = this.#writes.indexOf(write);
      this.#writes.forEach((other, index) => {
        if (index < from || other.target !== write.target) return;
        other.isSent = false;
        other.notBefore = notBefore;
      });
      this.#sim.time.after(waitMs, () => {
        this.#pump();
      });
      return;
    }
    this.#writes = this.#writes.filter((other) => other !== write);
    if (isRefused(answer)) {
      if (answer.code === "FRAME_TOO_LARGE" && JSON.stringify(command).length < LOG_BYTES_AT_ONCE / 2)
        this.#sim.violate("I9", `${write.id} is refused as too large, and is not`);
      this.#sim.refused.push(`${this.#device.user}/${this.#device.name} ${command.op} ${answer.code}`);
      return;
    }
    const { conversation } = command;
    if (command.op === "read" || write.isSend) this.#device.marks.raise(conversation, answer.seq);
    if (command.op === "read") this.#sim.ledger.readAcked(this.#device.user, conversation, answer.seq);
    if (!write.isSend) return;
    this.#sim.ledger.acked(this.#device.user, this.#device.name, {
      id: write.id,
      conversation,
      seq: answer.seq,
    });
    this.#sim.ackedHead.set(conversation, Math.max(answer.seq, this.#sim.ackedHead.get(conversation) ?? 0));
    // Sometimes an application or a proxy repeats the write, even much later.
    if (this.#sim.dice.chance(0.12))
      this.#sim.time.after(this.#sim.dice.between(1, 3_000), () => {
        this.#again(write);
      });
  }

  #again(write: Write): void {
    this.put(write.id, `${write.target}#again`, write.isSend, write.make);
  }
}
