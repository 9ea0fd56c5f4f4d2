import { ChatError } from "@jichat/protocol/errors.ts";
import { flag, optional, time } from "@jichat/protocol/field.ts";
import type { Muted } from "@jichat/protocol/frame/server-frame.ts";
import { MUTE_MAX_MS } from "@jichat/protocol/limits.ts";
import { mutedAt } from "./muted.ts";
import { IN_CONVERSATION, memberOf, settingVerb } from "./verb.ts";

const isSame = (one: Muted | undefined, other: Muted): boolean =>
  one !== undefined && one.until === other.until && one.mentionsOnly === other.mentionsOnly;

export const mute = settingVerb({
  level: 2,
  sets: true,
  frame: { ...IN_CONVERSATION, until: optional(time), mentionsOnly: optional(flag) },
  rest: "PUT /v1/conversations/{conversation}/mute",
  summary: "Mutes a conversation for the caller",
  decide: (view, user, { until, mentionsOnly }, { ts }) => {
    const { settings } = memberOf(view, user);
    if (until !== undefined && until <= ts) throw new ChatError("CONFLICT", "`until` is not in the future");
    if (until !== undefined && until > ts + MUTE_MAX_MS)
      throw new ChatError("CONFLICT", "`until` is more than 10 years ahead: leave it out to mute for good");
    const muted: Muted = {
      ...(until === undefined ? {} : { until }),
      ...(mentionsOnly === true ? { mentionsOnly } : {}),
    };
    return isSame(settings?.muted, muted) ? "unchanged" : { muted };
  },
});

export const unmute = settingVerb({
  level: 2,
  sets: true,
  frame: IN_CONVERSATION,
  rest: "DELETE /v1/conversations/{conversation}/mute",
  summary: "Ends the mute of a conversation for the caller",
  decide: (view, user, _, { ts }) => {
    const { settings } = memberOf(view, user);
    return mutedAt(settings, ts) === undefined ? "unchanged" : undefined;
  },
});
