import type { Meddling } from "./meddler.ts";
import type { Traveller } from "./ws-frames.ts";

/** A build of connectors that is broken in one way. */
interface Broken {
  readonly what: string;
  readonly meddling: () => Meddling;
  readonly says: RegExp;
}

const isEvent = ({ t }: Traveller): boolean => t === "event";

/** Every fifth frame of a kind is left out. */
function without(t: string): (frame: Traveller) => Traveller | undefined {
  let count = 0;
  return (frame) => {
    if (frame["t"] !== t) return frame;
    count += 1;
    return count % 5 === 0 ? undefined : frame;
  };
}

/** Acks messages that no router has heard of. */
function ackAlone(): NonNullable<Meddling["toServer"]> {
  let seq = 1_000_000;
  return (frame, answer) => {
    if (frame["t"] !== "send") return frame;
    seq += 1;
    const { id, conversation } = frame;
    answer({ t: "ack", id, conversation, seq, ts: Date.now() });
    return undefined;
  };
}

export const BROKEN: readonly Broken[] = [
  {
    what: "drops some of what it delivers",
    meddling: () => ({ toDevice: without("event") }),
    says: /^from a connector that serves to the canary, receive fails: /,
  },
  {
    what: "acks messages that it does not pass on",
    meddling: () => ({ toServer: ackAlone() }),
    says: /^from the canary to a connector that serves, receive fails: /,
  },
  {
    what: "leaves messages out of the history",
    meddling: () => ({
      toDevice: (frame) =>
        frame["t"] === "page" && Array.isArray(frame["events"])
          ? { ...frame, events: frame["events"].slice(0, -1) }
          : frame,
    }),
    says: /resume fails: 1 of 10 messages that were acked meanwhile are not in the conversation's history$/,
  },
  {
    what: "changes a message",
    meddling: () => ({ toDevice: (frame) => (isEvent(frame) ? { ...frame, body: { text: "?" } } : frame) }),
    says: /receive fails: message \S+ arrived with another body$/,
  },
  {
    what: "is slow",
    meddling: () => ({ delayMs: 400 }),
    says: /^it is slow: from .*a (message|talk) takes \d\.\d s, and \d\.\d s between connectors that serve$/,
  },
  {
    what: "refuses whoever comes",
    meddling: () => ({
      toServer: (frame, answer) => {
        if (frame["t"] !== "hello") return frame;
        answer({ t: "error", code: "INTERNAL", message: "a defect", traceId: "0".repeat(32) });
        return undefined;
      },
    }),
    says: /^from the canary to a connector that serves, hello fails: INTERNAL: a defect$/,
  },
];
