import { hash } from "node:crypto";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Logger } from "pino";
import type { KubeApi } from "./api.ts";
import type { KubeObject } from "./object.ts";
import { RESOURCES } from "./object.ts";

export interface EventAbout {
  readonly type: "Normal" | "Warning";
  /** A reason in UpperCamelCase, for machines. */
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

const NOTE_MAX = 1_024;
/** The same Event about the same object is repeated only after this time. */
const AGAIN_MS = 10 * 60_000;
const REMEMBERED_MAX = 5_000;

/** Writes Events, which `kubectl describe` shows. A lost Event is only logged. */
export class EventRecorder {
  readonly #api: Pick<KubeApi, "create">;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #instance: string;
  readonly #told = new Map<string, number>();
  #count = 0;

  constructor(api: Pick<KubeApi, "create">, clock: Clock, log: Logger, instance: string) {
    this.#api = api;
    this.#clock = clock;
    this.#log = log;
    this.#instance = instance;
  }

  async tell(regarding: KubeObject, event: EventAbout): Promise<void> {
    const { apiVersion, kind, metadata } = regarding;
    const { name, namespace = "default", uid = "", resourceVersion = "" } = metadata;
    const key = hash("sha256", [uid, event.reason, event.note].join(" "), "hex").slice(0, 16);
    const now = this.#clock.monotonic();
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    if (this.#told.size >= REMEMBERED_MAX) this.#told.clear();
    this.#told.set(key, now);
    this.#count += 1;
    try {
      await this.#api.create(RESOURCES.events, {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name: `${name.slice(0, 60)}.${key}.${this.#count.toString(36)}`, namespace },
        eventTime: `${new Date(this.#clock.now()).toISOString().slice(0, -1)}000Z`,
        reportingController: "chat.jichat.io/operator",
        reportingInstance: this.#instance,
        regarding: { apiVersion, kind, name, namespace, uid, resourceVersion },
        type: event.type,
        reason: event.reason,
        action: event.action,
        note: event.note.slice(0, NOTE_MAX),
      } as KubeObject);
    } catch (error) {
      this.#told.delete(key);
      this.#log.warn({ err: error, reason: event.reason, object: name }, "an Event was not written");
    }
  }
}
