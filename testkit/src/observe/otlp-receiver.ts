import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

export interface Span {
  readonly service: string;
  readonly instance: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  /** Nanoseconds since 1970 as text, since a number cannot hold them exactly. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: readonly Attribute[];
}

type Sent = Omit<Span, "service" | "instance" | "links" | "attributes"> &
  Partial<Pick<Span, "links" | "attributes">>;
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly Sent[] }[];
  }[];
}

/** An attribute's text; undefined if it is not there or no text. */
export const textIn = (attributes: readonly Attribute[], name: string): string | undefined =>
  attributes.find(({ key }) => key === name)?.value.stringValue;

/** The spans of an OTLP export (JSON over HTTP, OTLP 1.0). */
function spansOf({ resourceSpans }: Export): Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const attribute = (name: string): string => textIn(resource.attributes, name) ?? "";
    const service = attribute("service.name");
    const instance = attribute("service.instance.id");
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({ links: [], attributes: [], ...span, service, instance })),
    );
  });
}

const BODY_MAX = 16_000_000;

/** Receives OTLP exports on a free port of loopback, and passes the spans on. */
export class OtlpReceiver {
  readonly endpoint: string;
  readonly close: () => void;

  private constructor(endpoint: string, close: () => void) {
    this.endpoint = endpoint;
    this.close = close;
  }

  static async start(take: (spans: readonly Span[]) => void): Promise<OtlpReceiver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      request.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > BODY_MAX) request.destroy();
        else chunks.push(chunk);
      });
      request.on("end", () => {
        const reply = (status: number, body: object): void => {
          response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
        };
        try {
          take(spansOf(JSON.parse(Buffer.concat(chunks).toString()) as Export));
          reply(200, {});
        } catch (error) {
          reply(400, { message: `not an OTLP export as JSON: ${String(error)}` });
        }
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return new OtlpReceiver(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => {
      server.close();
      server.closeAllConnections();
    });
  }
}
