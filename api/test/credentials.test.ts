import assert from "node:assert/strict";
import type { JsonWebKey } from "node:crypto";
import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";

const OLD = "correct horse";
let stack: Stack;
let destroy: () => Promise<void>;

before(async () => {
  ({ stack, destroy } = await startThrowaway({ env: { api: { SIGN_INS_PER_SECOND: "1000" } } }));
});
after(async () => destroy?.());

interface Reply {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

async function call(method: string, path: string, token?: string, body?: unknown): Promise<Reply> {
  const response = await fetch(stack.apiUrl + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const signUp = (user: string): Promise<Reply> =>
  call("POST", "/v1/users", undefined, { user, password: OLD });
const signIn = (user: string, password: string): Promise<Reply> =>
  call("POST", "/v1/sessions", undefined, { user, password });
const change = (token: string, wanted: string): Promise<Reply> =>
  call("PUT", "/v1/me/password", token, { old: OLD, new: wanted });
const works = async (token: string): Promise<boolean> => (await call("GET", "/v1/me", token)).status === 200;
const tokenOf = ({ status, json }: Reply): string => {
  assert.ok(status === 200 || status === 201, JSON.stringify(json));
  return String(json["token"]);
};

/** As the version before this one issued them: nothing of a revision. */
function mintOld(user: string): string {
  const jwk = JSON.parse(readFileSync(stack.secrets.signingKeyFile, "utf8")) as JsonWebKey & { kid: string };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Date.now() / 1_000;
  const claims = { sub: user, iss: "jichat", aud: "jichat", iat: now, exp: now + 3_600 };
  const text = `${part({ alg: "EdDSA", typ: "JWT", kid: jwk.kid })}.${part(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), createPrivateKey({ key: jwk, format: "jwk" })).toString("base64url")}`;
}

interface Frame {
  readonly t: string;
  readonly code?: string;
  readonly ticket?: string;
}

/** A socket that has said hello: what came first, and with which code it is closed. */
async function greet(hello: object): Promise<{ first: Frame; closed: Promise<number>; close: () => void }> {
  const socket = new WebSocket(stack.wsUrls[0] ?? "");
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener("close", ({ code }) => resolve(code));
  });
  const first = await new Promise<Frame>((resolve) => {
    socket.addEventListener("message", ({ data }) => resolve(JSON.parse(String(data)) as Frame), {
      once: true,
    });
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify({ t: "hello", device: "phone", ...hello }));
    });
  });
  return { first, closed, close: () => socket.close() };
}

test(
  "one of two password changes wins a race with sign-ins, and no token of the old password stays valid",
  { timeout: 180_000 },
  async () => {
    for (let round = 0; round < 4; round += 1) {
      const user = `racer${round}`;
      await signUp(user);
      const first = tokenOf(await signIn(user, OLD));
      const wanted = ["battery staple", "staple battery"];
      const changing = wanted.map((password) => change(first, password));
      const old: string[] = [];
      const racing = Array.from({ length: 6 }, async (_, i) => {
        await new Promise((resolve) => setTimeout(resolve, 60 * i));
        const reply = await signIn(user, OLD);
        if (reply.status === 201) old.push(tokenOf(reply));
        else assert.equal(reply.status, 401, JSON.stringify(reply.json));
      });
      const changed = await Promise.all(changing);
      await Promise.all(racing);

      const won = changed.findIndex(({ status }) => status === 200);
      const [winner, loser] = won === 0 ? [changed[0], changed[1]] : [changed[1], changed[0]];
      assert.ok(winner !== undefined && loser !== undefined && won >= 0, JSON.stringify(changed));
      assert.ok([401, 403, 409].includes(loser.status), JSON.stringify(loser));
      for (const token of [first, ...old]) assert.equal(await works(token), false, "an old token lives");
      assert.ok(await works(tokenOf(winner)), "the token that the change returned works");
      assert.ok(await works(tokenOf(await signIn(user, wanted[won] ?? ""))), "the password that won works");
    }
  },
);

test(
  "a token of the previous version works until the password changes, and so do its sockets and tickets",
  { timeout: 180_000 },
  async () => {
    await signUp("olga");
    const old = mintOld("olga");
    assert.ok(await works(old));
    const live = await greet({ token: old });
    assert.equal(live.first.t, "welcome");
    const now = tokenOf(await signIn("olga", OLD));
    const other = await greet({ token: now, device: "laptop" });
    const changed = tokenOf(await change(now, "battery staple"));
    assert.deepEqual(await Promise.all([live.closed, other.closed]), [4401, 4401]);
    for (const token of [old, now]) assert.equal(await works(token), false);
    for (const hello of [
      { token: old },
      { token: now },
      { ticket: live.first.ticket },
      { ticket: other.first.ticket, device: "laptop" },
    ]) {
      const { first, closed } = await greet(hello);
      assert.deepEqual([first.code, await closed], ["UNAUTHENTICATED", 4401]);
    }
    const fresh = await greet({ token: changed });
    assert.equal(fresh.first.t, "welcome");
    fresh.close();
  },
);

test("a signed-out token stays invalid in any spelling", { timeout: 180_000 }, async () => {
  await signUp("una");
  for (const token of [mintOld("una"), tokenOf(await signIn("una", OLD))]) {
    assert.ok(await works(token));
    assert.equal((await call("DELETE", "/v1/sessions", token)).status, 200);
    const [head = "", claims = "", signature = ""] = token.split(".");
    const spellings = [token, `${token}=`, `${token}==`, `${head}=.${claims}.${signature}`];
    for (const end of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
      spellings.push(token.slice(0, -1) + end);
    for (const spelling of spellings) assert.equal(await works(spelling), false, spelling.slice(-5));
  }
});
