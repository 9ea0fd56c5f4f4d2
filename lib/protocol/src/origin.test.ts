import assert from "node:assert/strict";
import { test } from "node:test";
import { originOf } from "./origin.ts";

test("an origin is told as browsers tell it", () => {
  for (const [text, origin] of [
    ["https://chat.example", "https://chat.example"],
    ["https://Chat.Example:443", "https://chat.example"],
    ["http://localhost:5173", "http://localhost:5173"],
    ["http://localhost:80", "http://localhost"],
    ["http://[::1]:8080", "http://[::1]:8080"],
    ["capacitor://localhost", "capacitor://localhost"],
    ["Tauri://LocalHost", "tauri://localhost"],
  ] as const)
    assert.equal(originOf(text), origin);
});

test("what is no origin is none", () => {
  for (const text of [
    "",
    "*",
    "null",
    "localhost:5173",
    "chat.example",
    "https://",
    "https://chat.example/",
    "https://chat.example/app",
    "https://chat.example?a",
    "https://chat.example#a",
    "https://ann@chat.example",
    "https://a.example,https://b.example",
    "https://a b",
    "http://[bad",
    "http://a:99999",
  ])
    assert.equal(originOf(text), undefined, text);
});
