import assert from "node:assert/strict";
import { before, test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { CLOCK_LEEWAY_MS } from "@jichat/protocol/limits.ts";
import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { HandMadeTokens, NOW, claimsOf } from "./hand-made-tokens.ts";
import { Tickets } from "./tickets.ts";
import type { Tokens } from "./tokens.ts";

const LEEWAY = CLOCK_LEEWAY_MS / 1_000;
const SECONDS = NOW / 1_000;
const clock = new HandClock();
let issuer: HandMadeTokens;
let door: Tokens;

before(async () => {
  issuer = await HandMadeTokens.of("EdDSA");
  clock.at = NOW;
  door = issuer.door(clock);
});

const verify = async (changed: Readonly<Record<string, unknown>>) =>
  door.verify(await issuer.sign(JSON.stringify(claimsOf(changed))));

/** One of each kind that JSON has, and texts and numbers that coercion would let pass for another. */
const KINDS: readonly unknown[] = [
  null,
  true,
  false,
  0,
  397,
  -1,
  1.5,
  1e300,
  "",
  "ann",
  "397",
  "a b",
  "../ann",
  "x".repeat(65),
  "x".repeat(257),
  "jichat",
  [],
  ["ann"],
  ["jichat"],
  ["jichat", 5],
  [["jichat"]],
  {},
  { toString: "ann" },
];

const isSeconds = (value: unknown): boolean =>
  typeof value === "number" && value >= 0 && value <= SECONDS + LEEWAY;
const TAKES: Readonly<Record<string, (value: unknown) => boolean>> = {
  sub: (value) => typeof value === "string" && /^[A-Za-z0-9_-]{1,64}$/.test(value),
  jti: (value) => typeof value === "string" && value.length > 0 && value.length <= 256,
  iss: (value) => value === "jichat",
  aud: (value) => JSON.stringify(value) === '"jichat"' || JSON.stringify(value) === '["jichat"]',
  iat: isSeconds,
  nbf: isSeconds,
  jichat_rev: (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0,
  exp: () => false, // Those of KINDS that are numbers have passed long ago, or never will.
};

for (const [claim, takes] of Object.entries(TAKES))
  test(`a wrong value of \`${claim}\` is refused by the name of the claim`, async () => {
    for (const value of KINDS) {
      const shown = `${claim}: ${JSON.stringify(value)?.slice(0, 40)}`;
      if (takes(value)) await assert.doesNotReject(verify({ [claim]: value }), shown);
      else if (claim === "exp" && isSeconds(value))
        await assert.rejects(verify({ exp: value }), { code: "TOKEN_EXPIRED" }, shown);
      else
        await assert.rejects(
          verify({ [claim]: value }),
          { code: "UNAUTHENTICATED", message: new RegExp(`\`${claim}\``) },
          shown,
        );
    }
  });

test("a missing required claim is refused by its name, and the other claims may be absent", async () => {
  for (const claim of ["sub", "iss", "aud", "exp"])
    await assert.rejects(verify({ [claim]: undefined }), {
      code: "UNAUTHENTICATED",
      message: new RegExp(`\`${claim}\``),
    });
  for (const claim of ["jti", "iat", "nbf", "jichat_rev"])
    assert.equal((await verify({ [claim]: undefined })).user, "ann");
});

test("claims that are not a JSON object are refused", async () => {
  for (const text of ["", "x", "[]", "null", "7", '"ann"', '{"sub":"ann"', "\u{feff}{}"])
    await assert.rejects(door.verify(await issuer.sign(text)), { code: "UNAUTHENTICATED" }, text);
});

test("times at the limit are accepted, and one millisecond past is refused", async () => {
  const cases: readonly (readonly [string, number, number, string])[] = [
    ["exp", NOW - CLOCK_LEEWAY_MS + 1, -1, "TOKEN_EXPIRED"],
    ["exp", NOW + REVOCATION_TTL_MS + CLOCK_LEEWAY_MS, 1, "UNAUTHENTICATED"],
    ["iat", NOW + CLOCK_LEEWAY_MS, 1, "UNAUTHENTICATED"],
    ["nbf", NOW + CLOCK_LEEWAY_MS, 1, "UNAUTHENTICATED"],
  ];
  for (const [claim, limit, step, code] of cases) {
    await assert.doesNotReject(verify({ [claim]: limit / 1_000 }), `${claim} at its limit`);
    await assert.rejects(verify({ [claim]: (limit + step) / 1_000 }), { code }, `${claim} past its limit`);
  }
});

test("a ticket expires with its token, both with the same leeway", async () => {
  const tickets = new Tickets(["key of the cluster"], 3_600_000);
  const identity = { ...(await verify({ exp: SECONDS + 60 })), device: "phone" };
  for (const issuedAt of [NOW, NOW + 59_000, NOW + 60_000 + CLOCK_LEEWAY_MS - 1]) {
    const { ticket, ticketExpiresAt } = tickets.issue(identity, issuedAt);
    assert.equal(ticketExpiresAt, identity.expiresAt);
    const last = identity.expiresAt + CLOCK_LEEWAY_MS - 1;
    assert.deepEqual(tickets.verify(ticket, "phone", last), identity);
    assert.throws(() => tickets.verify(ticket, "phone", last + 1), { code: "TOKEN_EXPIRED" });
  }
});
