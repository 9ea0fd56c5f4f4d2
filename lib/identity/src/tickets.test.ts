import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { Tickets } from "./tickets.ts";

const CLUSTER_KEY = "key of the cluster";
const NOW = 1_800_000_000_000;
const tickets = new Tickets([CLUSTER_KEY], 3_600_000);
const content = { u: "ann", d: "phone", k: "token", i: NOW, x: NOW + 7_200_000, e: NOW + 3_600_000 };

/** As the cluster signs them: only what is inside is wrong. */
function signed(text: string): string {
  const key = createHmac("sha256", CLUSTER_KEY).update("tickets").digest();
  const part = Buffer.from(text).toString("base64url");
  return `${part}.${createHmac("sha256", key).update(part).digest("base64url")}`;
}

test("a ticket of the present form is accepted", () => {
  assert.deepEqual(tickets.verify(signed(JSON.stringify(content)), "phone", NOW), {
    user: "ann",
    device: "phone",
    tokenId: "token",
    issuedAt: NOW,
    expiresAt: NOW + 7_200_000,
  });
});

test("a ticket has the revision of the credential of its token", () => {
  const identity = tickets.verify(signed(JSON.stringify({ ...content, r: 7 })), "phone", NOW);
  assert.equal(identity.revision, 7);
  assert.deepEqual(tickets.verify(tickets.issue(identity, NOW).ticket, "phone", NOW), identity);
  for (const r of [null, true, -1, 1.5, 1e300, "7", [], {}])
    assert.throws(() => tickets.verify(signed(JSON.stringify({ ...content, r })), "phone", NOW), {
      code: "UNAUTHENTICATED",
    });
});

test("a ticket with a field of a wrong type is refused", () => {
  const wrong = [null, true, -1, 1.5, 1e300, "", "a b", "x".repeat(65), [], ["ann"], {}];
  for (const name of Object.keys(content))
    for (const value of [undefined, ...wrong, ...("ukd".includes(name) ? [397] : ["397"])]) {
      if (name === "k" && value === "a b") continue; // An id of a token is any text.
      const ticket = signed(JSON.stringify({ ...content, [name]: value }));
      assert.throws(
        () => tickets.verify(ticket, "phone", NOW),
        { code: "UNAUTHENTICATED" },
        `${name}: ${JSON.stringify(value)}`,
      );
    }
  for (const text of ["", "x", "[]", "null", "7", "{"])
    assert.throws(() => tickets.verify(signed(text), "phone", NOW), { code: "UNAUTHENTICATED" }, text);
});

test("a ticket in another spelling is refused", () => {
  const { ticket } = tickets.issue(tickets.verify(signed(JSON.stringify(content)), "phone", NOW), NOW);
  const last = ticket.at(-1) ?? "";
  const others = [
    `${ticket}=`,
    ` ${ticket}`,
    `${ticket}.`,
    ticket.replace(".", "=."),
    `${ticket}\n`,
    "",
    ".",
  ];
  for (const end of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    if (end !== last) others.push(ticket.slice(0, -1) + end);
  for (const other of [...others, "x".repeat(1_025)])
    assert.throws(() => tickets.verify(other, "phone", NOW), { code: "UNAUTHENTICATED" }, other);
});

test("the first key signs tickets, and tickets of earlier keys stay valid while the keys are listed", () => {
  const identity = tickets.verify(signed(JSON.stringify(content)), "phone", NOW);
  const names = ["first", "second", "third", "fourth"] as const;
  const rotating = new Tickets([names[0]], 3_600_000);
  const issued = names.map((name, at) => {
    rotating.takeKeys([name, ...names.slice(0, at).reverse()]);
    const { ticket } = rotating.issue(identity, NOW);
    assert.deepEqual(
      new Tickets([name], 3_600_000).verify(ticket, "phone", NOW),
      identity,
      "the first signs",
    );
    return ticket;
  });
  for (const ticket of issued) assert.deepEqual(rotating.verify(ticket, "phone", NOW), identity);

  rotating.takeKeys([names[3], names[2], names[1]]);
  const held = issued.map((ticket) => {
    try {
      return rotating.verify(ticket, "phone", NOW).user;
    } catch (error) {
      return (error as { readonly code?: string }).code;
    }
  });
  assert.deepEqual(held, ["UNAUTHENTICATED", "ann", "ann", "ann"]);
});
