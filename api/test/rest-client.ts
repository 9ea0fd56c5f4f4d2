import assert from "node:assert/strict";
import type { Stack } from "@jichat/testkit/local/stack.ts";

export const PASSWORD = "correct horse";

export interface Reply {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

interface Frame {
  readonly t: string;
  readonly id?: string;
  readonly code?: string;
  readonly message?: string;
  readonly ticket?: string;
}

type Asked = { readonly t: string; readonly id: string } & Readonly<Record<string, unknown>>;

/** A socket that has said hello. */
export interface Greeted {
  /** The answer to the hello. */
  readonly first: Frame;
  /** The close code, once the socket is closed. */
  readonly closed: Promise<number>;
  readonly close: () => void;
  /** Sends a frame, and resolves with the answer that has its id. */
  readonly ask: (frame: Asked) => Promise<Frame>;
  /** The latest `error` that came. */
  readonly lastError: () => Frame | undefined;
}

/** People who use the REST interface of a stack, and its sockets. */
export class RestClient {
  readonly #stack: Pick<Stack, "apiUrl" | "wsUrls">;

  constructor(stack: Pick<Stack, "apiUrl" | "wsUrls">) {
    this.#stack = stack;
  }

  async call(method: string, path: string, token?: string, body?: object): Promise<Reply> {
    const response = await fetch(this.#stack.apiUrl + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }

  /** Registers a user with `PASSWORD`, and returns the token of a first sign-in. */
  async signUp(user: string): Promise<string> {
    const { status, json } = await this.call("POST", "/v1/users", undefined, { user, password: PASSWORD });
    assert.equal(status, 201, JSON.stringify(json));
    return this.signIn(user);
  }

  async signIn(user: string): Promise<string> {
    const { status, json } = await this.call("POST", "/v1/sessions", undefined, { user, password: PASSWORD });
    assert.equal(status, 201, JSON.stringify(json));
    return String(json["token"]);
  }

  /** Says hello to one of the connectors. */
  async greet(hello: object, connector = 0): Promise<Greeted> {
    const socket = new WebSocket(this.#stack.wsUrls[connector] ?? "");
    const waiting = new Map<string, (frame: Frame) => void>();
    let error: Frame | undefined;
    const closed = new Promise<number>((resolve) => {
      socket.addEventListener("close", ({ code }) => resolve(code));
    });
    const first = await new Promise<Frame>((resolve) => {
      socket.addEventListener("message", ({ data }) => {
        const frame = JSON.parse(String(data)) as Frame;
        if (frame.t === "error") error = frame;
        resolve(frame);
        if (frame.id !== undefined) waiting.get(frame.id)?.(frame);
      });
      socket.addEventListener("open", () => {
        socket.send(JSON.stringify({ t: "hello", device: "phone", ...hello }));
      });
    });
    return {
      first,
      closed,
      close: () => socket.close(),
      ask: async (frame) =>
        new Promise((resolve) => {
          waiting.set(frame.id, resolve);
          socket.send(JSON.stringify(frame));
        }),
      lastError: () => error,
    };
  }
}
