import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "./pod-metrics.ts";

const TEXT = `# HELP jichat_x what it counts
# TYPE jichat_x counter
jichat_x_total{otel_scope_name="jichat",code="A"} 3
jichat_x_total{otel_scope_name="jichat",code="B \\"b\\""} 2.5e+3
jichat_x_total_more{code="A"} 9
jichat_plain 7 1700000000000
jichat_odd NaN
jichat_some{of="a"} NaN
jichat_some{of="b"} 0.25
`;

test("a metric is the sum of its readings, of all or of those with some labels", () => {
  const metrics = new Metrics(TEXT);
  assert.equal(metrics.sum("jichat_x_total"), 2_503);
  assert.equal(metrics.sum("jichat_x_total", { code: "A" }), 3);
  assert.equal(metrics.sum("jichat_x_total", { code: "A", otel_scope_name: "jichat" }), 3);
  assert.equal(metrics.sum("jichat_plain"), 7);
  assert.equal(metrics.sum("jichat_some", { of: "b" }), 0.25);
});

test("what is not there, or is no number, is not known", () => {
  const metrics = new Metrics(TEXT);
  assert.equal(metrics.sum("jichat_x"), undefined, "another name that begins alike");
  assert.equal(metrics.sum("jichat_x_total", { code: "C" }), undefined);
  assert.equal(metrics.sum("jichat_plain", { code: "A" }), undefined, "a reading without labels");
  assert.equal(metrics.sum("jichat_odd"), undefined);
  assert.equal(metrics.sum("jichat_some"), undefined, "one part of the sum is not known");
});
