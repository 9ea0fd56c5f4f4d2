import assert from "node:assert/strict";
import { test } from "node:test";
import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import { PUSH_AGE_MS } from "@jichat/protocol/log/streams.ts";
import type { Candidate, Decision, Facts } from "./decide.ts";
import { decide } from "./decide.ts";
import type { Told } from "./ports.ts";

/** Noon in UTC. */
const NOW = Date.UTC(2026, 10, 29, 12);
const settings = { mentionsOnlyAbove: 200 };

const registration: PushRegistration = {
  device: "phone",
  target: { kind: "webhook", token: "t" },
  locale: "en",
  preview: "text",
  registeredAt: NOW - 1_000_000,
};
const message: Told = {
  is: "message",
  conversation: "g",
  seq: 10,
  no: 8,
  from: "bob",
  ts: NOW - 1_000,
  members: 3,
};
const facts: Facts = { standing: { mark: 5, markNo: 4 }, live: [], shown: 0 };

interface Case {
  readonly name: string;
  readonly message?: Partial<Told>;
  readonly registration?: Partial<PushRegistration>;
  readonly facts?: Partial<Facts>;
  readonly is: string;
}

const said = (decision: Decision): string => {
  if (decision.is === "skip") return decision.reason;
  const { hasSound, isUrgent, isMentionsOnly } = decision;
  return ["push", hasSound ? "sound" : "silent", isUrgent ? "urgent" : "", isMentionsOnly ? "mentions" : ""]
    .filter((word) => word !== "")
    .join(" ");
};
const standing = { mark: 5, markNo: 4 };
const toAnn = { mentions: ["ann"] };

const CASES: readonly Case[] = [
  { name: "nobody is there", is: "push sound" },
  { name: "a 1-1 conversation", message: { isDirect: true }, is: "push sound urgent" },
  { name: "a mention", message: toAnn, is: "push sound urgent" },
  { name: "nothing is known, as after a loss of Redis", facts: { standing: undefined }, is: "push sound" },
  // Lost on a half-open connection.
  { name: "lost by this device", message: { device: "phone" }, is: "push sound" },
  { name: "lost by another device, such as a tab", message: { device: "web" }, is: "push sound" },
  {
    name: "lost by another device, told here",
    message: { device: "web", seq: 9 },
    facts: { shown: 9 },
    is: "sent",
  },
  {
    name: "for this device, which is connected again",
    message: { device: "phone" },
    facts: { live: [{ device: "phone", isActive: false }] },
    is: "live",
  },
  // Age.
  { name: "24 hours old", message: { ts: NOW - PUSH_AGE_MS }, is: "push sound" },
  { name: "a millisecond older", message: { ts: NOW - PUSH_AGE_MS - 1 }, is: "old" },
  { name: "from a clock that is ahead", message: { ts: NOW + 60_000 }, is: "push sound" },
  // Presence.
  { name: "the device is connected", facts: { live: [{ device: "phone", isActive: false }] }, is: "live" },
  { name: "another device is active", facts: { live: [{ device: "web", isActive: true }] }, is: "active" },
  { name: "another device is idle", facts: { live: [{ device: "web", isActive: false }] }, is: "push sound" },
  {
    name: "one of two others is active",
    facts: {
      live: [
        { device: "web", isActive: false },
        { device: "tablet", isActive: true },
      ],
    },
    is: "active",
  },
  // Standing.
  { name: "not a member any more", facts: { standing: { ...standing, left: 9 } }, is: "left" },
  { name: "muted", facts: { standing: { ...standing, muted: {} } }, is: "muted" },
  {
    name: "muted, and mentioned",
    message: toAnn,
    facts: { standing: { ...standing, muted: {} } },
    is: "muted",
  },
  { name: "muted for a while", facts: { standing: { ...standing, muted: { until: NOW + 1 } } }, is: "muted" },
  {
    name: "a mute that is over",
    facts: { standing: { ...standing, muted: { until: NOW } } },
    is: "push sound",
  },
  {
    name: "mentions only, and none",
    facts: { standing: { ...standing, muted: { mentionsOnly: true } } },
    is: "muted",
  },
  {
    name: "mentions only, of somebody else",
    message: { mentions: ["cat"] },
    facts: { standing: { ...standing, muted: { mentionsOnly: true } } },
    is: "muted",
  },
  {
    name: "mentions only, and mentioned",
    message: toAnn,
    facts: { standing: { ...standing, muted: { mentionsOnly: true } } },
    is: "push silent urgent mentions",
  },
  { name: "read one before", facts: { standing: { mark: 9, markNo: 7 } }, is: "push sound" },
  { name: "read", facts: { standing: { mark: 10, markNo: 8 } }, is: "read" },
  // Quiet hours.
  { name: "quiet hours", registration: { quiet: { from: "11:00", to: "13:00", zone: "UTC" } }, is: "quiet" },
  { name: "they begin", registration: { quiet: { from: "12:00", to: "13:00", zone: "UTC" } }, is: "quiet" },
  {
    name: "they end",
    registration: { quiet: { from: "11:00", to: "12:00", zone: "UTC" } },
    is: "push sound",
  },
  {
    name: "past midnight",
    registration: { quiet: { from: "22:00", to: "12:01", zone: "UTC" } },
    is: "quiet",
  },
  {
    name: "past midnight, and over",
    registration: { quiet: { from: "22:00", to: "07:00", zone: "UTC" } },
    is: "push sound",
  },
  {
    name: "in another zone it is eight in the evening",
    registration: { quiet: { from: "19:30", to: "20:30", zone: "Asia/Shanghai" } },
    is: "quiet",
  },
  {
    name: "no hours",
    registration: { quiet: { from: "12:00", to: "12:00", zone: "UTC" } },
    is: "push sound",
  },
  {
    name: "a zone that does not exist",
    registration: { quiet: { from: "00:00", to: "23:59", zone: "Moon/Sea" } },
    is: "push sound",
  },
  // Size.
  { name: "200 members", message: { members: 200 }, is: "push sound" },
  { name: "201 members", message: { members: 201 }, is: "unmentioned" },
  {
    name: "201 members, and mentioned",
    message: { members: 201, ...toAnn },
    is: "push sound urgent mentions",
  },
  // What was sent.
  { name: "pushed up to the one before", facts: { shown: 9 }, is: "push sound" },
  { name: "pushed", facts: { shown: 10 }, is: "sent" },
];

test("who is told of a message, as a table", () => {
  for (const one of CASES) {
    const candidate: Candidate = {
      user: "ann",
      message: { ...message, ...one.message },
      registration: { ...registration, ...one.registration },
      facts: { ...facts, ...one.facts },
    };
    assert.equal(said(decide(candidate, settings, NOW)), one.is, one.name);
  }
});
