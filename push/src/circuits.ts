import type { PushKind, PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import { Circuit } from "./circuit.ts";

/** Most circuits. Closed ones that were used longest ago go first. */
const CIRCUITS_MAX = 1_000;

/**
 * The service behind a target. Browsers name their own push services, and anyone can name one that does not
 * answer: each host has its own circuit, so that it closes no other.
 */
export function serviceOf(target: PushTarget): string {
  if (target.kind !== "webpush") return target.kind;
  return URL.canParse(target.endpoint) ? `webpush ${new URL(target.endpoint).host}` : "webpush";
}

/** One circuit for each service. */
export class Circuits {
  readonly #circuits = new Map<string, { readonly kind: PushKind; readonly circuit: Circuit }>();

  of(target: PushTarget, now: number): Circuit {
    const service = serviceOf(target);
    const known = this.#circuits.get(service);
    if (known !== undefined) {
      this.#circuits.delete(service);
      this.#circuits.set(service, known);
      return known.circuit;
    }
    if (this.#circuits.size >= CIRCUITS_MAX) this.#makeRoom(now);
    const circuit = new Circuit();
    this.#circuits.set(service, { kind: target.kind, circuit });
    return circuit;
  }

  /** Circuits that are not closed, by kind. */
  open(now: number): ReadonlyMap<PushKind, number> {
    const counts = new Map<PushKind, number>();
    for (const { kind, circuit } of this.#circuits.values())
      if (circuit.state(now) !== "closed") counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  }

  #makeRoom(now: number): void {
    let oldest: string | undefined;
    for (const [service, { circuit }] of this.#circuits) {
      oldest ??= service;
      if (circuit.state(now) !== "closed") continue;
      oldest = service;
      break;
    }
    if (oldest !== undefined) this.#circuits.delete(oldest);
  }
}
