import type { ModelRun } from "./model-run.ts";
import type { Temper } from "./model-server.ts";

const TEMPERS: readonly Temper[] = ["well", "down", "silent", "refusing", "closing", "dropping"];
const RESUMABLE = [1001, 1006, 1011, 1012, 4408, 4429] as const;
const FATAL = [
  [4400, "FRAME_MALFORMED"],
  [4403, "FORBIDDEN"],
  [4409, "CONFLICT"],
] as const;

/** What goes wrong around a client: its servers, its network, its tokens, the application itself. */
export class ModelFaults {
  readonly #run: ModelRun;

  constructor(run: ModelRun) {
    this.#run = run;
  }

  /** The application ends and is started again, with what it has seen: what it missed comes first. */
  async startAgain(): Promise<void> {
    const seen = this.#run.client.seen();
    if (seen === undefined || this.#run.client.state === "closed") return;
    this.#run.client.close();
    await this.#run.clock.settle();
    this.#run.life += 1;
    // A hello of the life before may still arrive, and this one cannot know whose it was.
    this.#run.mayEndWith.add("CONFLICT");
    this.#run.client = this.#run.restart(seen);
    void this.#run.read();
    this.#run.connect();
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
