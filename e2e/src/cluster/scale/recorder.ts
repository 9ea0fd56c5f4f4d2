import { setTimeout as sleep } from "node:timers/promises";
import { LABELS, PORTS } from "@jichat/operator/desired/names.ts";
import { SHED_ANNOTATION, readShedMark } from "@jichat/operator/scale/shed-mark.ts";
import type { Diary, Span } from "../../diary.ts";
import type { Chat, Pod } from "../chat.ts";
import type { ApiProxy } from "./api-proxy.ts";
import { openApiProxy } from "./api-proxy.ts";
import type { Look, PodLook, Recording } from "./recording.ts";
import { secondsOf } from "./recording.ts";
import { lookIn } from "./look-in.ts";

const EVERY_MS = 1_000;
/** Half an hour of seconds. */
const LOOKS_MAX = 1_800;

/** Looks at the connectors of a ChatCluster once a second, beside what its devices note. */
export class Recorder {
  readonly #api: ApiProxy;
  readonly #chat: Chat;
  readonly #diary: Diary;
  readonly #looks: Look[] = [];
  readonly #marks: { readonly at: number; readonly what: string }[] = [];
  readonly #startedAt = new Date().toISOString();
  readonly #over = new AbortController();
  readonly #looking: Promise<void>;

  private constructor(api: ApiProxy, chat: Chat, diary: Diary) {
    this.#api = api;
    this.#chat = chat;
    this.#diary = diary;
    this.#looking = this.#lookOn();
  }

  static async start(chat: Chat, diary: Diary): Promise<Recorder> {
    return new Recorder(await openApiProxy(), chat, diary);
  }

  get looks(): readonly Look[] {
    return this.#looks;
  }

  /** The looks in a span, and the one before it. */
  looksIn({ from, to }: Span): readonly Look[] {
    const first = this.#looks.findIndex(({ at }) => at >= from);
    return first === -1 ? [] : this.#looks.slice(Math.max(0, first - 1)).filter(({ at }) => at < to);
  }

  /** Notes that something begins now. */
  mark(what: string): void {
    this.#marks.push({ at: performance.now(), what });
  }

  async stop(
    about: Pick<Recording, "name" | "devices" | "messagesPerSecond" | "perSecond">,
  ): Promise<Recording> {
    await this.close();
    const start = this.#looks[0]?.at ?? 0;
    return {
      ...about,
      startedAt: this.#startedAt,
      seconds: secondsOf(this.#looks, this.#diary),
      marks: this.#marks.map(({ at, what }) => ({ second: Math.round((at - start) / 1_000), what })),
    };
  }

  async close(): Promise<void> {
    this.#over.abort();
    await this.#looking;
    this.#api.close();
  }

  async #lookOn(): Promise<void> {
    let next = performance.now();
    while (!this.#over.signal.aborted && this.#looks.length < LOOKS_MAX) {
      const look = await this.#look();
      if (look !== undefined) this.#looks.push({ at: performance.now(), ...look });
      next = Math.max(next + EVERY_MS, performance.now());
      await sleep(Math.max(0, next - performance.now()), undefined, { signal: this.#over.signal }).catch(
        () => undefined,
      );
    }
  }

  /** Undefined if the API server does not answer: then nothing is known of this second. */
  async #look(): Promise<Omit<Look, "at"> | undefined> {
    const { namespace, name } = this.#chat;
    const labels = `${LABELS.instance}=${name},${LABELS.component}=connector`;
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const list = await this.#api.get(`${path}?labelSelector=${encodeURIComponent(labels)}`);
    if (list === undefined) return undefined;
    const { items } = JSON.parse(list) as { readonly items: readonly Pod[] };
    const looks = await Promise.all(
      items.map(async ({ metadata }): Promise<readonly [string, PodLook] | undefined> => {
        const metrics = await this.#api.get(`${path}/${metadata.name}:${PORTS.admin}/proxy/metrics`);
        const look = lookIn(metrics ?? "");
        return look === undefined ? undefined : [metadata.name, look];
      }),
    );
    const marks = items.map(({ metadata }) => readShedMark(metadata.annotations?.[SHED_ANNOTATION]));
    return {
      pods: Object.fromEntries(looks.filter((look) => look !== undefined)),
      sheds: marks.flatMap((mark) => (mark === undefined ? [] : [mark.since])),
    };
  }
}
