import type { Person } from "./people.ts";

/** One user's socket that is asked things, each answered by the frame with its id. */
export class Questions {
  readonly #waiting = new Map<string, (text: string) => void>();
  #next = 0;
  /** Who asks; to be set once they have come. */
  person: Person | undefined;

  readonly hear = (text: string): void => {
    this.#waiting.get(/"id":"([\w-]+)"/.exec(text)?.[1] ?? "")?.(text);
  };

  /** The answer as it came. Rejects with it where it is an error. */
  async ask(frame: object): Promise<string> {
    if (this.person === undefined) throw new Error("nobody came");
    this.#next += 1;
    const id = `q${this.#next}-${Date.now()}`;
    const answer = new Promise<string>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.person.socket.send(JSON.stringify({ ...frame, id }));
    const text = await answer;
    this.#waiting.delete(id);
    if (text.startsWith('{"t":"error"')) throw new Error(text);
    return text;
  }
}
