import type { FastSocket } from "./fast-socket.ts";
import type { Door, Person } from "./people.ts";
import { gather } from "./people.ts";

/**
 * Pairs the answers on one socket with requests, by the frame's `id`. Requests reject if the socket closes
 * first.
 */
export class Asker {
  readonly #waiting = new Map<string, PromiseWithResolvers<string>>();

  heard(text: string): void {
    const id = /"id":"([a-z0-9-]+)"/.exec(text)?.[1] ?? "";
    this.#waiting.get(id)?.resolve(text);
    this.#waiting.delete(id);
  }

  async ask(socket: FastSocket, id: string, frame: object): Promise<string> {
    const asked = Promise.withResolvers<string>();
    this.#waiting.set(id, asked);
    socket.onClose = () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("closed before it was answered"));
    };
    socket.send(JSON.stringify({ id, ...frame }));
    const text = await asked.promise;
    if (text.startsWith('{"t":"error"')) throw new Error(`refused: ${text}`);
    return text;
  }
}

/** One person, with a function that sends a request and resolves with the answer. */
export interface Guest extends Person {
  readonly ask: (frame: object) => Promise<string>;
}

/** Connects `prefix0`, and resolves after the welcome. */
export async function come(door: Door, prefix: string): Promise<Guest> {
  const asker = new Asker();
  const [person] = await gather(door, prefix, 1, (_, text) => {
    asker.heard(text);
  });
  if (person === undefined) throw new Error("no connection arrived");
  let asked = 0;
  const ask = async (frame: object): Promise<string> => {
    asked += 1;
    return asker.ask(person.socket, `q${asked}-${Date.now()}`, frame);
  };
  return { ...person, ask };
}
