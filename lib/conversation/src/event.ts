import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { EventRecord } from "@jichat/protocol/log/record.ts";

/** An event as its readers see it: without what only the log needs. */
export function eventOf(record: EventRecord): InnerEvent {
  const { r: _, device: _device, session: _session, trace: _trace, ...event } = record;
  return event;
}
