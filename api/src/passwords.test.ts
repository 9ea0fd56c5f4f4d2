import assert from "node:assert/strict";
import { test } from "node:test";
import { hashPassword, matchesPassword } from "@jichat/identity/accounts.ts";
import { Passwords } from "./passwords.ts";

const AT_ONCE = 2;
const WAITING_MAX = 100;

/** Passwords whose scrypt ends when the test says so. */
function fake(): { passwords: Passwords; running: (() => void)[]; hashed: string[] } {
  const running: (() => void)[] = [];
  const hashed: string[] = [];
  const turn = async (password: string): Promise<string> => {
    hashed.push(password);
    await new Promise<void>((resolve) => running.push(resolve));
    return password;
  };
  const matches = async (password: string, stored: string): Promise<boolean> =>
    (await turn(password)) === stored;
  return { passwords: new Passwords({ hash: turn, matches }), running, hashed };
}

const settle = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("two passwords are hashed at once, a hundred wait, and one more is refused", async () => {
  const { passwords, running, hashed } = fake();
  const told = Array.from({ length: AT_ONCE + WAITING_MAX }, async (_, i) => passwords.hash(`${i}`));
  await settle();
  assert.equal(running.length, AT_ONCE);
  await assert.rejects(passwords.hash("one more"), { code: "BUSY" });
  for (let done = 0; done < told.length; done += 1) {
    assert.ok(running.length <= AT_ONCE);
    running.shift()?.();
    await settle();
  }
  await Promise.all(told);
  assert.deepEqual(
    hashed,
    Array.from({ length: AT_ONCE + WAITING_MAX }, (_, i) => `${i}`),
  );
});

test("a sign-in of a missing user does the same work, and no password matches", async () => {
  const { passwords, running, hashed } = fake();
  const [known, unknown] = [passwords.matches("right", "right"), passwords.matches("right", undefined)];
  await settle();
  assert.deepEqual(hashed, ["right", "right"]);
  for (const end of running) end();
  assert.deepEqual([await known, await unknown], [true, false]);
});

test("a stored hash names its cost, and accepts a password in any composition of its characters", async () => {
  const stored = await hashPassword("caf\u00e9 cr\u00e8me");
  assert.match(stored, /^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
  assert.ok(await matchesPassword("cafe\u0301 cre\u0300me", stored));
  assert.ok(!(await matchesPassword("cafe creme", stored)));
});
