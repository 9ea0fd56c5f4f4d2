import assert from "node:assert/strict";
import { test } from "node:test";
import { lookIn } from "./look-in.ts";

const METRICS = [
  "# HELP jichat_connector_sockets open sockets",
  'jichat_connector_sockets{otel_scope_name="jichat"} 41',
  'jichat_connector_moves_total{outcome="told",otel_scope_name="jichat"} 7',
  'jichat_connector_moves_total{outcome="gone",otel_scope_name="jichat"} 5',
  "",
].join("\n");

test("a connector says how many devices it has, and how many it told to go", () => {
  assert.deepEqual(lookIn(METRICS), { connections: 41, told: 7 });
});

test("a counter appears with its first count, and a connector without a gauge says nothing", () => {
  assert.deepEqual(lookIn("jichat_connector_sockets 0\n"), { connections: 0, told: 0 });
  assert.equal(lookIn(""), undefined);
  assert.equal(lookIn('jichat_connector_moves_total{outcome="told"} 7\n'), undefined);
});
