import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt } from "jose";
import webPush from "web-push";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { VapidHeaders } from "./vapid-headers.ts";

const HOUR_MS = 3_600_000;

function make() {
  const clock = new HandClock();
  clock.aheadMs = Date.now(); // `web-push` compares with the time of day.
  const headers = new VapidHeaders(
    { subject: "mailto:a@chat.example", ...webPush.generateVAPIDKeys() },
    clock,
  );
  const tokenFor = (origin: string): string => /t=([^,]+)/.exec(headers.of(origin))?.[1] ?? "";
  return { clock, headers, tokenFor };
}

test("a header is signed once for a push service, and anew after six hours", async () => {
  const { clock, tokenFor } = make();
  const [first, other] = [tokenFor("https://a.example"), tokenFor("https://b.example")];
  const { aud, exp = 0, sub } = decodeJwt(first);
  assert.deepEqual([aud, sub], ["https://a.example", "mailto:a@chat.example"]);
  assert.ok(Math.abs(exp - Date.now() / 1_000 - 12 * 3_600) < 60);
  assert.equal(decodeJwt(other).aud, "https://b.example");
  await clock.pass(6 * HOUR_MS - 1);
  assert.equal(tokenFor("https://a.example"), first);
  await clock.pass(1);
  const second = tokenFor("https://a.example");
  assert.notEqual(second, first);
  assert.equal((decodeJwt(second).exp ?? 0) - exp, 6 * 3_600);
});

test("what a service has taken is remembered over a renewal, for the services that were used last", async () => {
  const { clock, headers } = make();
  headers.of("https://a.example");
  assert.equal(headers.isKnownTo("https://a.example"), false);
  headers.noteTaken("https://a.example");
  headers.noteTaken("https://never-asked.example");
  await clock.pass(7 * HOUR_MS);
  headers.of("https://a.example");
  assert.deepEqual(
    ["https://a.example", "https://never-asked.example"].map((origin) => headers.isKnownTo(origin)),
    [true, false],
  );
  for (let i = 0; i < 999; i += 1) headers.of(`https://${i}.example`);
  assert.equal(headers.isKnownTo("https://a.example"), true);
  headers.of("https://one-more.example");
  assert.equal(headers.isKnownTo("https://a.example"), false);
});
