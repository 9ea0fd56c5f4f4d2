import assert from "node:assert/strict";
import { test } from "node:test";
import { displace } from "./displace.ts";

const held = (bornAt: number | undefined, id = "s") => {
  const session = {
    id,
    bornAt,
    registered: true,
    closedWith: undefined as number | undefined,
    close: (code: number) => {
      session.closedWith = code;
    },
  };
  return session;
};

test("a session gives way to a younger one of its device, and to one whose age nobody says", () => {
  const replacement = { v: 1, user: "ann", device: "phone", session: "s" } as const;
  for (const [bornAt, birth, closedWith, registered] of [
    [5, 6, 4409, true],
    [5, 5, 4409, true],
    [5, undefined, 4409, true],
    [undefined, 6, 4409, true],
    // Its own connector was taken for dead: it is the latest one, and is registered again.
    [6, 5, undefined, false],
  ] as const) {
    const session = held(bornAt);
    displace({ find: () => session }, { ...replacement, birth }, "again");
    assert.deepEqual(
      [session.closedWith, session.registered],
      [closedWith, registered],
      `${bornAt} ${birth}`,
    );
  }
});

test("another session of the device stays", () => {
  const session = held(1, "later");
  const replacement = { v: 1, user: "ann", device: "phone", session: "s", birth: 2 } as const;
  displace({ find: () => session }, replacement, "again");
  displace({ find: () => undefined }, replacement, "again");
  assert.deepEqual([session.closedWith, session.registered], [undefined, true]);
});
