import { loadUws } from "@jichat/connector/uws.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";

/** What a push says of the message that it is for. */
export interface Landed {
  readonly conversation: string;
  readonly seq: number;
}

/**
 * The plain gateway of the figures: uWebSockets.js that answers 200, notes each id, and checks nothing. The
 * one of the tests checks signatures, and would be measured instead of the workers. This one runs in the
 * process of the benchmark, which has nothing else to do meanwhile.
 */
export class PushSink {
  readonly url: string;
  /** Called for each push whose id is new. */
  onLanded: (push: Landed) => void = () => undefined;
  readonly #ids = new Set<string>();
  readonly #close: () => void;
  #repeated = 0;

  private constructor(url: string, close: () => void) {
    this.url = url;
    this.#close = close;
  }

  static async open(): Promise<PushSink> {
    const [port = 0] = await freePorts(1);
    const app = loadUws().App();
    const sink = new PushSink(`http://127.0.0.1:${port}/push`, () => {
      app.close();
    });
    app.post("/push", (response, request) => {
      const id = request.getHeader("webhook-id");
      let body = "";
      response.onAborted(() => undefined);
      response.onData((chunk, isLast) => {
        body += Buffer.from(chunk).toString("utf8");
        if (!isLast) return;
        response.end();
        sink.#take(id, body);
      });
    });
    await new Promise<void>((resolve, reject) => {
      app.listen("127.0.0.1", port, (socket) => {
        if (socket === false) reject(new Error(`port ${port} is taken`));
        else resolve();
      });
    });
    return sink;
  }

  /** Ids that have come. */
  get total(): number {
    return this.#ids.size;
  }

  /** Pushes whose id had come before. */
  get repeated(): number {
    return this.#repeated;
  }

  /** Ids of earlier runs never come again: their seqs are over. */
  forget(): void {
    this.#ids.clear();
    this.#repeated = 0;
  }

  close(): void {
    this.#close();
  }

  #take(id: string, body: string): void {
    if (this.#ids.has(id)) {
      this.#repeated += 1;
      return;
    }
    this.#ids.add(id);
    this.onLanded((JSON.parse(body) as { readonly data: Landed }).data);
  }
}
