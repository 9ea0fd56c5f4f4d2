import assert from "node:assert/strict";
import { test } from "node:test";
import { EnvReader } from "@jichat/runtime/env-reader.ts";
import { readOrigins } from "./origins-config.ts";

function origins(text?: string): readonly string[] {
  const reader = new EnvReader(text === undefined ? {} : { ORIGINS: text });
  const read = readOrigins(reader);
  reader.finish();
  return read;
}

test("origins are read as browsers tell them, each once", () => {
  assert.deepEqual(origins(), []);
  assert.deepEqual(origins("*"), ["*"]);
  assert.deepEqual(
    origins("https://Chat.Example:443, https://chat.example,http://localhost:5173, capacitor://localhost"),
    ["https://chat.example", "http://localhost:5173", "capacitor://localhost"],
  );
});

test("what is no origin is refused by name: no browser would ever tell it", () => {
  assert.throws(
    () => origins("https://a.example,https://b.example/,c.example"),
    (error: Error) => {
      assert.match(error.message, /ORIGINS has `https:\/\/b\.example\/`, which is no origin/);
      assert.match(error.message, /ORIGINS has `c\.example`/);
      assert.doesNotMatch(error.message, /`https:\/\/a\.example`/);
      return true;
    },
  );
});
