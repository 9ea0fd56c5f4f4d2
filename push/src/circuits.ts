import type { PushKind, PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import { Circuit } from "./circuit.ts";
import type { Provider } from "./provider.ts";

/** Most circuits. Closed ones that were used longest ago go first. */
const CIRCUITS_MAX = 1_000;

/**
 * One circuit for each service, as providers tell them apart: anyone can register an endpoint of a browser's
 * push service that does not answer, which must not stop the pushes of others.
 */
export class Circuits {
  readonly #circuits = new Map<string, { readonly kind: PushKind; readonly circuit: Circuit }>();

  of(provider: Pick<Provider, "circuitOf">, target: PushTarget, now: number): Circuit {
    const service = `${target.kind} ${provider.circuitOf?.(target) ?? ""}`;
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
