import type { Clock } from "@jichat/protocol/clock.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { LABELS, PORTS } from "../desired/names.ts";
import { webSocketUrl } from "../desired/urls.ts";
import { connectorRevision } from "../desired/workloads.ts";
import type { Observed } from "../observed.ts";
import type { PodObject } from "../pod-object.ts";
import { isPodReady } from "../pod-object.ts";
import type { TalkPlan, Told } from "../talk/talk.ts";
import { Turns } from "../talk/turns.ts";
import type { Way } from "../talk/way.ts";
import { wayOf } from "../talk/way.ts";
import type { Proof, Round } from "./canary-proof.ts";
import { UNPROVEN, proofAfter } from "./canary-proof.ts";
import type { CanaryVerdict } from "./canary.ts";
import { canaryPod, verdictOf } from "./canary.ts";

interface CanaryWatchOptions {
  /** Talks once. Never rejects, and always ends. */
  readonly talk: (plan: TalkPlan, fromPartition: number, signal: AbortSignal) => Promise<Told>;
  readonly clock: Pick<Clock, "monotonic" | "now" | "sleep">;
}

/** Both ways to a device: through the canary's own address, and through the Service as people come. */
interface Ways {
  readonly canary: Way;
  readonly serving: Way;
}

interface Watched {
  /** The pod and its container: what another one has shown is not its own merit. */
  readonly id: string;
  readonly stop: AbortController;
  ways: Ways;
  proof: Proof;
  /** When somebody wanted to know of it last. */
  askedAt: number;
  nextPartition: number;
}

/** A canary that nobody asks about for so long is not wanted any more. */
const UNASKED_MS = 60_000;
/** Between two rounds. Handshakes have a limit for each address. */
const PAUSE_MS = 500;
/** A proof has one connection at a time, mostly. After an upgrade of the operator many begin together. */
const AT_ONCE = 8;
/** Beside those of the talk of each minute. */
const OPTIONS = { messages: 10, devices: "synthetic-canary" } as const;

/** Lets canaries prove themselves, beside the passes, and keeps what they have shown. */
export class CanaryWatch {
  readonly #options: CanaryWatchOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #turns = new Turns(AT_ONCE);

  constructor(options: CanaryWatchOptions) {
    this.#options = options;
  }

  /**
   * What the canary of `input` has shown. Once its pod is ready, it begins to talk. `serving` is the way
   * through the Service, with earlier credentials that may still count.
   */
  look(key: string, input: DesiredInput, observed: Observed, serving = wayOf(input)): CanaryVerdict {
    const { [LABELS.revision]: revision = "" } = connectorRevision(input, 1).metadata.labels ?? {};
    const pod = canaryPod(observed, revision);
    const watched = pod === undefined ? undefined : this.#follow(key, pod, input, serving);
    if (pod === undefined) this.forget(key);
    return verdictOf(observed, pod, watched?.proof ?? UNPROVEN, this.#options.clock.now());
  }

  /** Ends its talks, and drops what it has shown. */
  forget(key: string): void {
    this.#watched.get(key)?.stop.abort(new Error("no canary is wanted any more"));
    this.#watched.delete(key);
  }

  stop(): void {
    for (const key of this.#watched.keys()) this.forget(key);
  }

  #follow(key: string, pod: PodObject, input: DesiredInput, serving: Way): Watched | undefined {
    const { metadata, status } = pod;
    const id = `${metadata.name} ${metadata.uid ?? ""} ${status?.containerStatuses?.[0]?.restartCount ?? 0}`;
    const known = this.#watched.get(key);
    const isSame = known?.id === id;
    if (!isSame) this.forget(key);
    if (status?.podIP === undefined || !isPodReady(pod)) return isSame ? known : undefined;
    const scheme = input.cluster.spec.connectors.tls === undefined ? "ws" : "wss";
    const ways = { serving, canary: { ...serving, url: webSocketUrl(scheme, status.podIP, PORTS.ws) } };
    if (isSame) {
      known.ways = ways;
      known.askedAt = this.#options.clock.monotonic();
      return known;
    }
    const askedAt = this.#options.clock.monotonic();
    const watched = { id, stop: new AbortController(), ways, proof: UNPROVEN, askedAt, nextPartition: 0 };
    this.#watched.set(key, watched);
    void this.#prove(key, watched);
    return watched;
  }

  async #prove(key: string, watched: Watched): Promise<void> {
    const { clock } = this.#options;
    const { signal } = watched.stop;
    while (!signal.aborted && watched.proof.state === "proving") {
      const round = await this.#turns.run(async () => (signal.aborted ? undefined : this.#round(watched)));
      if (round === undefined || signal.aborted) return;
      watched.proof = proofAfter(watched.proof, round);
      if (clock.monotonic() - watched.askedAt > UNASKED_MS) this.forget(key);
      await clock.sleep(PAUSE_MS, signal).catch(() => undefined); // An abort ends the loop.
    }
  }

  /** First those that serve: what they cannot do proves nothing against the canary. */
  async #round(watched: Watched): Promise<Round> {
    const { serving, canary } = watched.ways;
    const talk = async (plan: TalkPlan): Promise<Told> =>
      this.#options.talk({ ...plan, ...OPTIONS }, watched.nextPartition, watched.stop.signal);
    const usual = await talk(serving);
    if (usual.outcome !== "ok") return { serving: usual, pair: undefined, alone: await talk(canary) };
    const sends = await talk({ ...canary, other: serving, back: canary });
    watched.nextPartition = sends.nextPartition;
    const receives = await talk({ ...serving, other: canary, back: serving });
    return { serving: usual, pair: { sends, receives }, alone: undefined };
  }
}
