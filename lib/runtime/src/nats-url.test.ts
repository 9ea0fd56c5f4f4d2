import assert from "node:assert/strict";
import { test } from "node:test";
import { EnvReader } from "./env-reader.ts";
import { readNatsUrl } from "./nats-url.ts";

test("a URL names one or several servers, and the login", () => {
  assert.deepEqual(readNatsUrl("nats://127.0.0.1:4222"), { servers: ["127.0.0.1:4222"] });
  assert.deepEqual(readNatsUrl("a:4222,b:4223, c"), { servers: ["a:4222", "b:4223", "c"] });
  assert.deepEqual(readNatsUrl("nats://me:p%2Cw@a:4222,b:4222,nats://[::1]:4222"), {
    servers: ["a:4222", "b:4222", "[::1]:4222"],
    inboxPrefix: "_INBOX.me",
    user: "me",
    pass: "p,w",
  });
  assert.deepEqual(readNatsUrl("tls://a:4222,tls://b:4222"), { servers: ["a:4222", "b:4222"], tls: {} });
});

test("an error names the wrong address by its place, and never shows a password", () => {
  const wrongs: readonly (readonly [string, RegExp])[] = [
    ["", /address 1 has no host/],
    ["nats://a:4222,", /address 2 has no host/],
    ["nats://a:70000", /address 1 is not host:port/],
    ["nats://me:secret@a:4222,b:99999", /address 2 is not host:port/],
    ["http://a:4222", /address 1 is neither nats: nor tls:/],
    ["nats://a:4222,tls://b:4222", /address 2 is not nats: as the first is/],
    ["nats://a:4222/path", /address 1 has more than host:port/],
    ["nats://me:secret@a,you:secret@b", /address 2 has another login than the first/],
  ];
  for (const [text, message] of wrongs)
    assert.throws(
      () => readNatsUrl(text),
      (error: Error) => message.test(error.message) && !error.message.includes("secret"),
      text,
    );
});

test("the reader of the environment names the key together with other bad ones", () => {
  const reader = new EnvReader({ NATS_URL: "a:4222,b:0x" });
  reader.natsUrl("NATS_URL", "nats://127.0.0.1:4222");
  reader.text("MISSING");
  assert.throws(
    () => {
      reader.finish();
    },
    { message: "configuration: NATS_URL: address 2 is not host:port; MISSING is required" },
  );
  const good = new EnvReader({});
  assert.equal(good.natsUrl("NATS_URL", "nats://127.0.0.1:4222"), "nats://127.0.0.1:4222");
  good.finish();
});
