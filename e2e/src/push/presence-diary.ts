import type { ChatClient } from "@jichat/client/chat-client.ts";

/** When a device was online, by its own account. */
export class PresenceDiary {
  readonly #times: { readonly from: number; to: number }[] = [];

  constructor(client: ChatClient) {
    client.on("state", ({ state }) => {
      if (state === "online") this.#begin();
      else this.end();
    });
    if (client.state === "online") this.#begin();
  }

  get times(): readonly { readonly from: number; readonly to: number }[] {
    return this.#times;
  }

  #begin(): void {
    if (this.#times.at(-1)?.to === Number.POSITIVE_INFINITY) return;
    this.#times.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
  }

  /** It is so no more, whatever the client believes. */
  end(): void {
    const last = this.#times.at(-1);
    if (last !== undefined) last.to = Math.min(last.to, Date.now());
  }
}
