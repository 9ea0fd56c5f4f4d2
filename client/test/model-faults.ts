import type { Dice } from "@jichat/protocol/dice.ts";
import type { ModelServer, Temper } from "./model-server.ts";

const TEMPERS: readonly Temper[] = ["well", "down", "silent", "refusing", "closing", "dropping"];
const RESUMABLE = [1001, 1006, 1011, 1012, 4408, 4429] as const;
const FATAL = [
  [4400, "FRAME_MALFORMED"],
  [4403, "FORBIDDEN"],
  [4409, "CONFLICT"],
] as const;

/** What faults happen to. */
export interface FaultHost {
  readonly server: ModelServer;
  readonly dice: Dice;
  readonly network: EventTarget;
  /** Codes with which the client may be closed by others. */
  readonly mayEndWith: Set<string>;
  moved: boolean;
  goodToken(): Promise<string>;
}

/** What goes wrong around a client: its servers, its network, its tokens, the application itself. */
export class ModelFaults {
  readonly #run: FaultHost;

  constructor(run: FaultHost) {
    this.#run = run;
  }

  move(): void {
    this.#run.moved = true;
    this.#run.network.dispatchEvent(new Event(this.#run.dice.chance(0.5) ? "offline" : "online"));
  }

  temper(): void {
    const { server } = this.#run;
    const dice = this.#run.dice;
    server.temper = dice.chance(0.5) ? "well" : dice.pick(TEMPERS);
    const [closeCode, code] = dice.chance(0.05) ? dice.pick(FATAL) : ([dice.pick(RESUMABLE)] as const);
    server.closeCode = closeCode;
    if (code !== undefined) this.#run.mayEndWith.add(code);
    server.trouble = dice.chance(0.5) ? 0 : dice.between(0, 0.3);
    const slow = dice.chance(0.1) ? 12_000 : dice.chance(0.2) ? 2_000 : 40;
    server.latencyMs = () => dice.between(1, slow);
  }

  someToken(): () => Promise<string> {
    const good = async (): Promise<string> => this.#run.goodToken();
    const rare = (code: string, bad: () => Promise<string>): (() => Promise<string>) => {
      if (!this.#run.dice.chance(0.1)) return good;
      this.#run.mayEndWith.add(code);
      return bad;
    };
    return this.#run.dice.pick<() => Promise<string>>([
      good,
      () => {
        throw new Error("token() threw");
      },
      () => Promise.reject(new Error("token() rejected")),
      () => new Promise(() => undefined),
      rare("INVALID", async () => 42 as unknown as string),
      rare("INVALID", async () => "x".repeat(200_000)),
      rare("TOKEN_EXPIRED", async () => "bad"),
    ]);
  }
}
