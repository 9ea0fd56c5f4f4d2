import assert from "node:assert/strict";
import { test } from "node:test";
import { startTelemetry } from "./telemetry.ts";

const CONFIG = {
  cluster: "c",
  instance: "i",
  logLevel: "error",
  otlpEndpoint: undefined,
  traceRatio: 0,
} as const;

test("counts are separate for different attributes, and add up between scrapes", async () => {
  const telemetry = startTelemetry("test", CONFIG);
  const requests = telemetry.counter("jichat_test_requests", "requests, by route and status");
  const plain = telemetry.counter("jichat_test_plain", "without attributes");
  const valueOf = async (line: RegExp): Promise<number> => Number(line.exec(await telemetry.scrape())?.[1]);
  for (const status of [200, 200, 404]) requests.add(1, { route: "/a", status });
  requests.add(1, { route: "/b", status: 200 });
  plain.add(2);
  assert.equal(await valueOf(/^jichat_test_requests_total\{.*route="\/a",status="200".*\} (\d+)/m), 2);
  assert.equal(await valueOf(/^jichat_test_requests_total\{.*route="\/a",status="404".*\} (\d+)/m), 1);
  assert.equal(await valueOf(/^jichat_test_requests_total\{.*route="\/b",status="200".*\} (\d+)/m), 1);
  plain.add(3);
  assert.equal(await valueOf(/^jichat_test_plain_total(?:\{.*\})? (\d+)/m), 5);
  await telemetry.stop();
});

test("a gauge has a line for each of its readings, and none for a reading that is gone", async () => {
  const telemetry = startTelemetry("test", CONFIG);
  let names = ["a", "b"];
  telemetry.gauge("jichat_test_state", "by name", () =>
    names.map((name) => ({ value: name === "a" ? 1 : Number.NaN, attributes: { name } })),
  );
  const lines = async (): Promise<string[]> =>
    (await telemetry.scrape()).split("\n").filter((line) => line.startsWith("jichat_test_state{"));
  assert.match((await lines())[0] ?? "", /name="a".*\} 1/);
  assert.match((await lines())[1] ?? "", /name="b".*\} NaN/);
  names = ["b"];
  assert.equal((await lines()).length, 1);
  await telemetry.stop();
});
