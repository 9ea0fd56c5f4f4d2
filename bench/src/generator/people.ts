import { mint } from "@jichat/e2e/mint.ts";
import { FastSocket } from "./fast-socket.ts";

/**
 * The addresses of the servers, and the key that signs tokens; without a key for a raw server, which wants no
 * tokens.
 */
export interface Door {
  readonly urls: readonly string[];
  readonly signingKeyFile?: string;
}

/** A door whose servers want signed tokens. */
export type SignedDoor = Door & { readonly signingKeyFile: string };

export const DEVICE = "bench";

export const helloOf = (signingKeyFile: string, user: string, more: object = {}): string =>
  JSON.stringify({ t: "hello", token: mint(signingKeyFile, { sub: user }), device: DEVICE, ...more });

export interface Person {
  readonly socket: FastSocket;
  /** The `welcome` frame; empty at a raw server. */
  readonly welcome: string;
}

/**
 * Connects a socket of `user`, and resolves after the welcome. Later frames go to `onText`. Rejects with the
 * frame that came in place of a welcome.
 */
export async function arrive(
  url: string,
  hello: string | undefined,
  onText: (text: string) => void,
): Promise<Person> {
  const welcomed = Promise.withResolvers<string>();
  let isIn = hello === undefined;
  const socket = await FastSocket.open(url, (text) => {
    if (isIn) onText(text);
    else if (text.startsWith('{"t":"welcome"')) {
      isIn = true;
      welcomed.resolve(text);
    } else if (text.startsWith('{"t":"error"')) welcomed.reject(new Error(`no welcome: ${text}`));
  });
  socket.onClose = () => {
    welcomed.reject(new Error("closed before its welcome"));
  };
  if (hello === undefined) welcomed.resolve("");
  else socket.send(hello);
  const welcome = await welcomed.promise;
  socket.onClose = undefined; // An error costs as much as a frame, and nobody waits for it any more.
  return { socket, welcome };
}

/** Runs `act` for 0 to `count` - 1, with `width` running at once. */
export async function inParallel(
  count: number,
  width: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(width, count) }, async () => {
      for (let index = next++; index < count; index = next++) await act(index);
    }),
  );
}

/**
 * Connects `prefix0` to `prefixN`, spread over the door's URLs. `onText` also gets the index of the person.
 */
export async function gather(
  { urls, signingKeyFile }: Door,
  prefix: string,
  count: number,
  onText: (index: number, text: string) => void,
): Promise<readonly Person[]> {
  const people: Person[] = [];
  await inParallel(count, 64, async (index) => {
    const hello = signingKeyFile === undefined ? undefined : helloOf(signingKeyFile, `${prefix}${index}`);
    people[index] = await arrive(urls[index % urls.length] ?? "", hello, (text) => {
      onText(index, text);
    });
  });
  return people;
}

export const leave = (people: readonly Person[]): void => {
  for (const { socket } of people) socket.close();
};
