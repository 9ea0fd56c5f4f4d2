import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { EventRecord } from "@jichat/protocol/log/record.ts";

/** The event of a record as readers see it, without the fields that only the log needs. */
export function eventOf(record: EventRecord): InnerEvent {
  const { r: _, device: _device, session: _session, trace: _trace, ...event } = record;
  return event;
}
