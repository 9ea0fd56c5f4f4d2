/** An event of Chromium's trace format. Times are in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** The time that the thread was running, without what it waited for a processor. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string; readonly data?: { readonly url?: string } };
}

/** What a page's main thread does at one go: while it lasts, the page draws nothing and takes no input. */
export interface Task {
  /** By the clock of the wall. */
  readonly ms: number;
  /** What the thread was running of it. On a virtual machine a thread's clock leaps: it is at most `ms`. */
  readonly cpuMs: number;
}

const ms = (microseconds: number): number => microseconds / 1_000;
const threadOf = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;
const isWhole = ({ ph, dur }: TraceEvent): boolean => ph === "X" && dur !== undefined;

/** The last of `tasks`, in rising time, that begins at `ts` or before. */
function lastBegun(tasks: readonly TraceEvent[], ts: number): TraceEvent | undefined {
  let [low, high] = [0, tasks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tasks[middle]?.ts ?? 0) <= ts) low = middle + 1;
    else high = middle;
  }
  return tasks[low - 1];
}

/**
 * The tasks of main threads in which a script of ours ran, the longest first. A script is ours if its URL
 * begins with `origin`. A task has what the browser did beside it too: layout, painting, collection.
 */
export function tasksOf(events: readonly TraceEvent[], origin: string): readonly Task[] {
  const named = events.filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain");
  const mains = new Set(named.map(threadOf));
  const whole = events.filter((event) => isWhole(event) && mains.has(threadOf(event)));
  const isTask = ({ name }: TraceEvent): boolean => name.endsWith("RunTask");
  const tasks = Map.groupBy(
    whole.filter(isTask).sort((a, b) => a.ts - b.ts),
    threadOf,
  );
  const ours = new Set<TraceEvent>();
  for (const event of whole) {
    if (event.args?.data?.url?.startsWith(origin) !== true) continue;
    const task = lastBegun(tasks.get(threadOf(event)) ?? [], event.ts);
    if (task !== undefined && event.ts <= task.ts + (task.dur ?? 0)) ours.add(task);
  }
  return [...ours]
    .map(({ dur = 0, tdur = dur }) => ({ ms: ms(dur), cpuMs: Math.min(ms(tdur), ms(dur)) }))
    .sort((a, b) => b.ms - a.ms);
}
