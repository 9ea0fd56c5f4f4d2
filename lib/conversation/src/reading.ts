import { clientId, id, optional, seq } from "@jichat/protocol/field.ts";
import { markVerb, memberOf } from "./verb.ts";

/** A read mark only moves forward, and never past the head. */
export const read = markVerb({
  level: 0,
  marks: true,
  frame: { id: optional(clientId), conversation: id, seq: seq(0) },
  rest: "PUT /v1/conversations/{conversation}/read",
  summary: "Moves the caller's read mark forward",
  decide: (view, user, fields, look) => {
    const member = memberOf(view, user);
    const at = Math.min(fields.seq, view.head);
    if (at <= member.mark) return "unchanged";
    return { seq: at, no: at === view.head ? view.no : look.eventAt(at).no };
  },
});
