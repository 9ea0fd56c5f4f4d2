import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { until } from "@jichat/testkit/until.ts";
import type { Greeted, Reply } from "./rest-client.ts";
import { RestClient } from "./rest-client.ts";

let stack: Stack;
let destroy: () => Promise<void>;
let rest: RestClient;

before(async () => {
  const env = { api: { SIGN_INS_PER_SECOND: "1000" } };
  ({ stack, destroy } = await startThrowaway({ connectors: 2, env }));
  rest = new RestClient(stack);
});
after(async () => destroy?.());

interface Session {
  readonly device: string;
  readonly connected: boolean;
  readonly connectedAt: number;
  readonly expiresAt: number;
  readonly client?: string;
  readonly current: boolean;
}
const sessionsOf = async (token: string): Promise<readonly Session[]> => {
  const { status, json } = await rest.call("GET", "/v1/me/sessions", token);
  assert.equal(status, 200, JSON.stringify(json));
  return json["items"] as readonly Session[];
};
const codeOf = ({ status, json }: Reply): readonly unknown[] => [status, json["code"]];

/** What a device gets that comes with this. */
async function refusalOf(hello: object): Promise<readonly unknown[]> {
  const { first, closed } = await rest.greet(hello);
  return [first.code, await closed];
}
const OUT = ["UNAUTHENTICATED", 4401] as const;

const answers = async (greeted: Greeted): Promise<void> => {
  assert.equal((await greeted.ask({ t: "ping", id: "p" })).t, "pong");
};

test(
  "a second device is ended by the first: it gets 4401, comes back with nothing that it has, and the first goes on",
  { timeout: 180_000 },
  async () => {
    const [mine, other] = [await rest.signUp("ann"), await rest.signIn("ann")];
    const first = await rest.greet({ token: mine, device: "laptop", client: "my-app/1.0" });
    const second = await rest.greet({ token: other, device: "phone" }, 1);
    const listed = await sessionsOf(mine);
    assert.deepEqual(
      listed.map(({ device, connected, current, client }) => [device, connected, current, client]),
      [
        ["phone", true, false, undefined],
        ["laptop", true, true, "my-app/1.0"],
      ],
    );
    assert.ok(listed.every(({ connectedAt, expiresAt }) => expiresAt > connectedAt && connectedAt > 0));

    assert.equal((await rest.call("DELETE", "/v1/me/sessions/phone", mine)).status, 200);
    assert.equal(await second.closed, 4401);
    assert.match(second.lastError()?.message ?? "", /this session was ended|revoked/);
    const tries = [
      { token: other, device: "phone" },
      { token: other, device: "phone2" },
      { ticket: second.first.ticket, device: "phone" },
    ];
    for (const hello of tries) assert.deepEqual(await refusalOf(hello), OUT, JSON.stringify(hello));
    assert.deepEqual(codeOf(await rest.call("GET", "/v1/me", other)), [401, "UNAUTHENTICATED"]);

    await answers(first);
    assert.deepEqual(
      (await sessionsOf(mine)).map(({ device }) => device),
      ["laptop"],
    );
    assert.deepEqual(codeOf(await rest.call("DELETE", "/v1/me/sessions/phone", mine)), [404, "NOT_FOUND"]);
    // The same device is welcome again once its user has signed in on it.
    const anew = await rest.greet({ token: await rest.signIn("ann"), device: "phone" });
    assert.equal(anew.first.t, "welcome");
    anew.close();
    first.close();
  },
);

test(
  "two devices with one token: the ended one is out, also with its ticket, and the token stays good",
  { timeout: 180_000 },
  async () => {
    const token = await rest.signUp("bob");
    const first = await rest.greet({ token, device: "laptop" });
    const second = await rest.greet({ token, device: "phone" }, 1);
    assert.equal((await rest.call("DELETE", "/v1/me/sessions/phone", token)).status, 200);
    assert.equal(await second.closed, 4401);
    for (const hello of [{ token }, { ticket: second.first.ticket }])
      assert.deepEqual(await refusalOf({ ...hello, device: "phone" }), OUT);
    await answers(first);
    assert.equal((await rest.call("GET", "/v1/me", token)).status, 200);
    first.close();
  },
);

test(
  "a device that is away is listed while it may come back, and ended it may not",
  { timeout: 180_000 },
  async () => {
    const [mine, other] = [await rest.signUp("cid"), await rest.signIn("cid")];
    const phone = await rest.greet({ token: other, device: "phone" });
    phone.close();
    await phone.closed;
    await until("the device is away", 10_000, async () => (await sessionsOf(mine))[0]?.connected === false);
    assert.equal((await rest.call("DELETE", "/v1/me/sessions/phone", mine)).status, 200);
    for (const hello of [{ token: other }, { ticket: phone.first.ticket }])
      assert.deepEqual(await refusalOf({ ...hello, device: "phone" }), OUT);
    assert.deepEqual(await sessionsOf(mine), []);
  },
);

test(
  "all end but the present one, which goes on; then all end, and a password opens a new one",
  { timeout: 180_000 },
  async () => {
    const [mine, other, unused] = [
      await rest.signUp("dan"),
      await rest.signIn("dan"),
      await rest.signIn("dan"),
    ];
    const first = await rest.greet({ token: mine, device: "laptop" });
    const second = await rest.greet({ token: other, device: "phone" }, 1);
    assert.equal((await rest.call("DELETE", "/v1/me/sessions?keep=current", mine)).status, 200);
    assert.equal(await second.closed, 4401);
    for (const hello of [{ token: other }, { token: unused }, { ticket: second.first.ticket }])
      assert.deepEqual(await refusalOf({ ...hello, device: "phone" }), OUT);
    await answers(first);
    const again = await rest.greet({ ticket: first.first.ticket, device: "laptop" }, 1);
    assert.equal(again.first.t, "welcome", "the kept token's ticket is good");
    assert.equal(await first.closed, 4409);
    assert.equal((await sessionsOf(mine)).length, 1);

    assert.equal((await rest.call("DELETE", "/v1/me/sessions", mine)).status, 200);
    assert.equal(await again.closed, 4401);
    assert.deepEqual(await refusalOf({ token: mine, device: "laptop" }), OUT);
    assert.deepEqual(codeOf(await rest.call("GET", "/v1/me/sessions", mine)), [401, "UNAUTHENTICATED"]);
    const fresh = await rest.signIn("dan");
    assert.deepEqual(await sessionsOf(fresh), []);
    const back = await rest.greet({ token: fresh, device: "phone" });
    assert.equal(back.first.t, "welcome");
    back.close();
  },
);

test(
  "a new token by `renew` is what the list knows, and ends with the device",
  { timeout: 180_000 },
  async () => {
    const [mine, other] = [await rest.signUp("eve"), await rest.signIn("eve")];
    const phone = await rest.greet({ token: other, device: "phone" });
    const newer = await rest.signIn("eve");
    assert.equal((await phone.ask({ t: "renew", id: "r", token: newer })).t, "ticket");
    await until("the list knows", 10_000, async () => (await sessionsOf(newer))[0]?.current === true);
    assert.equal((await rest.call("DELETE", "/v1/me/sessions/phone", mine)).status, 200);
    assert.equal(await phone.closed, 4401);
    assert.deepEqual(await refusalOf({ token: newer, device: "tablet" }), OUT);
  },
);

test("what is no device and no `keep` is refused by its name", { timeout: 180_000 }, async () => {
  const token = await rest.signUp("fay");
  for (const path of ["/v1/me/sessions/a.b", "/v1/me/sessions?keep=all", "/v1/me/sessions?keep="]) {
    const reply = await rest.call("DELETE", path, token);
    assert.deepEqual(codeOf(reply), [400, "INVALID"], path);
    assert.match(String(reply.json["message"]), /`(device|keep)`/);
  }
  assert.equal((await rest.call("GET", "/v1/me", token)).status, 200, "nothing was ended");
});
