import { build } from "hdr-histogram-js";
import type { Stack } from "@jichat/tools/local/stack.ts";
import { mint } from "@jichat/e2e/mint.ts";
import { FastSocket } from "./fast-socket.ts";

export interface TalkFigures {
  readonly rate: number;
  readonly sent: number;
  readonly acked: number;
  readonly received: number;
  readonly refused: number;
  /** From the intended time to the ack, and to the receipt by the other: milliseconds. */
  readonly ackP50: number;
  readonly ackP99: number;
  readonly receiveP50: number;
  readonly receiveP99: number;
}

export const PAIRS = 100;
const SETTLE_MS = 10_000;
const TICK_MS = 2;
const BODY = "x".repeat(150);

const idOf = (index: number, at: number): string => {
  const time = Math.floor(at).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${index.toString(16).padStart(12, "0")}`;
};

/** 100 pairs on two sockets each, who are there before the load begins. */
export class Pairs {
  readonly #sockets: FastSocket[] = [];
  #onText: (text: string) => void = () => undefined;

  static async open(stack: Stack): Promise<Pairs> {
    const pairs = new Pairs();
    const users = Array.from({ length: 2 * PAIRS }, (_, i) => `b${i}`);
    await Promise.all(
      users.map(async (user, i) => {
        const welcomed = Promise.withResolvers<void>();
        const socket = await FastSocket.open(stack.wsUrls[i % stack.wsUrls.length] ?? "", (text) => {
          if (text.startsWith('{"t":"welcome"')) welcomed.resolve();
          else pairs.#onText(text);
        });
        socket.send(
          JSON.stringify({
            t: "hello",
            token: mint(stack.secrets.signingKeyFile, { sub: user }),
            device: "bench",
          }),
        );
        await welcomed.promise;
        pairs.#sockets[i] = socket;
      }),
    );
    return pairs;
  }

  /**
   * Open loop: messages leave when they are due, however late the answers are; latency counts from when they
   * were due.
   */
  async talk(rate: number, ms: number): Promise<TalkFigures> {
    const total = Math.round((rate * ms) / 1_000);
    const due = new Float64Array(total);
    const [ack, receive] = [build(), build()];
    const seen = { acked: 0, received: 0, refused: 0 };
    const at = (text: string): number =>
      Number.parseInt(text.slice(text.indexOf("-8000-") + 6, text.indexOf("-8000-") + 18), 16);
    this.#onText = (text) => {
      const late = performance.now();
      if (text.startsWith('{"t":"ack"')) {
        seen.acked += 1;
        ack.recordValue(Math.max(1, (late - (due[at(text)] ?? late)) * 100));
      } else if (text.startsWith('{"t":"event"') && text.includes('"kind":"message"')) {
        seen.received += 1;
        receive.recordValue(Math.max(1, (late - (due[at(text)] ?? late)) * 100));
      } else if (text.startsWith('{"t":"error"')) seen.refused += 1;
    };
    const started = performance.now();
    let sent = 0;
    while (sent < total) {
      const until = Math.min(total, Math.floor(((performance.now() - started) * rate) / 1_000));
      for (; sent < until; sent += 1) {
        due[sent] = started + (sent * 1_000) / rate;
        const user = sent % (2 * PAIRS);
        this.#sockets[user]?.send(
          `{"t":"send","id":"${idOf(sent, Date.now())}","to":"b${user ^ 1}","body":{"text":"${BODY}"}}`,
        );
      }
      await new Promise((resolve) => {
        setTimeout(resolve, TICK_MS);
      });
    }
    const end = performance.now() + SETTLE_MS;
    const isDone = (): boolean => seen.acked + seen.refused >= total && seen.received >= total;
    while (!isDone() && performance.now() < end)
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    const p = (histogram: typeof ack, percentile: number): number =>
      histogram.getValueAtPercentile(percentile) / 100;
    return {
      rate,
      sent: total,
      ...seen,
      ackP50: p(ack, 50),
      ackP99: p(ack, 99),
      receiveP50: p(receive, 50),
      receiveP99: p(receive, 99),
    };
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}
