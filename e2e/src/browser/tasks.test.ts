import assert from "node:assert/strict";
import { test } from "node:test";
import type { TraceEvent } from "./tasks.ts";
import { tasksOf } from "./tasks.ts";

const ORIGIN = "http://here";
const main = (pid: number): TraceEvent => ({
  name: "thread_name",
  ph: "M",
  pid,
  tid: 1,
  ts: 0,
  args: { name: "CrRendererMain" },
});
const whole = (name: string, ts: number, dur: number, more: Partial<TraceEvent> = {}): TraceEvent => ({
  name,
  ph: "X",
  pid: 1,
  tid: 1,
  ts,
  dur,
  ...more,
});
const script = (ts: number, url = `${ORIGIN}/main.js`): TraceEvent =>
  whole("FunctionCall", ts, 1, { args: { data: { url } } });

test("tasks in which a script of ours ran are told, each once, the longest first", () => {
  const tasks = [
    whole("ThreadControllerImpl::RunTask", 0, 5_000, { tdur: 4_000 }),
    whole("ThreadControllerImpl::RunTask", 6_000, 9_000),
    whole("ThreadControllerImpl::RunTask", 20_000, 90_000),
  ];
  assert.deepEqual(tasksOf([main(1), ...tasks.toReversed(), script(10), script(20), script(6_500)], ORIGIN), [
    { ms: 9, cpuMs: 9 },
    { ms: 5, cpuMs: 4 },
  ]);
});

test("a thread's clock that leaps makes no task longer than it lasted", () => {
  const task = whole("ThreadControllerImpl::RunTask", 0, 6_000, { tdur: 14_000 });
  assert.deepEqual(tasksOf([main(1), task, script(10)], ORIGIN), [{ ms: 6, cpuMs: 6 }]);
});

test("other scripts, other threads, and scripts between two tasks make no task ours", () => {
  const elsewhere = { tid: 2 };
  assert.deepEqual(
    tasksOf(
      [
        main(1),
        whole("RunTask", 0, 5_000),
        script(10, "http://elsewhere/main.js"),
        script(5_500),
        whole("RunTask", 0, 5_000, elsewhere),
        { ...script(10), ...elsewhere },
      ],
      ORIGIN,
    ),
    [],
  );
});
