import { ChatError } from "@jichat/protocol/errors.ts";
import type { Body } from "../src/types.ts";
import { BAD } from "./model-bodies.ts";
import type { ModelRun, Sent } from "./model-run.ts";

/** Who writes, and is written to. */
export const FRIENDS = ["bob", "cleo", "dan"] as const;

/** What an application asks of its client, the odd and the wrong included. */
export class ModelCalls {
  readonly #run: ModelRun;
  readonly #groups: string[] = [];
  #sends = 0;

  constructor(run: ModelRun) {
    this.#run = run;
  }

  sendSome(times: number): void {
    for (let i = 0; i < times; i += 1) {
      this.#sends += 1;
      this.#send(this.#someTarget(), { n: this.#sends, pad: "x".repeat(this.#run.dice.int(0, 150)) });
    }
  }

  sendLarge(): void {
    this.#sends += 1;
    const size = this.#run.dice.pick([300, 1_100, 9_000, 9_000, 140_000]);
    this.#send(this.#someTarget(), { n: this.#sends, pad: "é".repeat(size) }, size > 8_192);
  }

  /** Refused before anything else happens, and nothing behind it is harmed: the next sends show it. */
  async sendBad(): Promise<void> {
    const { name, make } = this.#run.dice.pick(BAD);
    const sent = this.#run.promise(
      `send ${String(name)}`,
      this.#run.client.send({ to: "bob" }, make() as Body),
    );
    await this.#run.clock.settle();
    if (sent.outcome !== "rejected") this.#run.blame(`${sent.what} is not refused at once`);
    else if (!(sent.value instanceof ChatError) || !this.#isRefusal(sent.value, name))
      this.#run.blame(`${sent.what} is refused with ${String(sent.value)}`);
  }

  otherWrite(): void {
    const { client } = this.#run;
    const dice = this.#run.dice;
    const target = dice.pick([...this.#groups, "d_bob"]);
    const kind = dice.int(0, 5);
    if (kind === 0)
      this.#run.promise(
        "createGroup",
        client.createGroup("G", ["bob"]).then(({ conversation }) => this.#groups.push(conversation)),
      );
    else if (kind === 1) this.#run.promise("edit", client.edit(target, 2, { text: "edited" }));
    else if (kind === 2) this.#run.promise("read", client.read(target, 1));
    else if (kind === 5) client.setActive(dice.chance(0.5));
    else if (kind === 3) this.#run.promise("edit of nothing", client.edit("no id", 0, {}));
    else this.#run.promise("invite", client.invite(target, [5 as unknown as string]));
  }

  ask(): void {
    const { client } = this.#run;
    const kind = this.#run.dice.int(0, 2);
    if (kind === 0) this.#run.promise("list", client.list());
    else if (kind === 1) this.#run.promise("pull", client.pull("d_bob", { limit: 10 }));
    else this.#run.promise("pull of nothing", client.pull("no id"));
  }

  /** A reader of its own, which stops or throws: it is nobody else's business. */
  readBriefly(): void {
    const most = this.#run.dice.int(1, 5);
    const feed = this.#run.client.events();
    if (this.#run.dice.chance(0.3))
      this.#run.promise("two reads at once", Promise.all([feed.next(), feed.next()]));
    const reading = async (): Promise<void> => {
      let count = 0;
      for await (const _ of feed) if ((count += 1) >= most) throw new Error("a reader threw");
    };
    this.#run.promise("reading", reading());
  }

  #send(target: string, body: Record<string, unknown>, isTooLarge = false): void {
    const to = target.startsWith("g_") ? { conversation: target } : { to: target };
    const own = this.#run.dice.chance(0.3) ? { id: `mine-${this.#sends}` } : {};
    const sent: Sent = {
      what: `send ${this.#sends}`,
      outcome: "pending",
      value: undefined,
      life: this.#run.life,
      target,
      body: JSON.stringify(body),
      isTooLarge,
    };
    this.#run.sent.push(this.#run.track(sent, this.#run.client.send(to, body, own)));
    // What an application does to its own map afterwards is nobody's message.
    body["n"] = -1;
  }

  #someTarget(): string {
    return this.#run.dice.pick([...FRIENDS, ...this.#groups]);
  }

  #isRefusal({ code, message }: ChatError, name: RegExp): boolean {
    if (this.#run.client.state === "closed") return true;
    return (code === "FRAME_MALFORMED" || code === "FRAME_TOO_LARGE") && name.test(message);
  }
}
