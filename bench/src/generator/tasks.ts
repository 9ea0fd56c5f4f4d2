import { connects, tickets } from "./connects.ts";
import { echo } from "./echo.ts";
import { fillPushQueue } from "./fill-push-queue.ts";
import { group } from "./group.ts";
import { hold } from "./hold.ts";
import { idle } from "./idle.ts";
import { inserts } from "./inserts.ts";
import { fillList, lists } from "./lists.ts";
import { loopback } from "./loopback.ts";
import { meet } from "./meet.ts";
import { moves } from "./moves.ts";
import { pages } from "./pages.ts";
import { posts } from "./posts.ts";
import { queuePushes } from "./queue-pushes.ts";
import { registerPushes } from "./register-pushes.ts";
import { resume } from "./resume.ts";
import { talk } from "./talk.ts";

/** All tasks of a generator. Arguments and results are plain values, since they pass between processes. */
export const TASKS = {
  connects,
  echo,
  fillList,
  fillPushQueue,
  group,
  hold,
  idle,
  inserts,
  lists,
  loopback,
  meet,
  moves,
  pages,
  posts,
  queuePushes,
  registerPushes,
  resume,
  talk,
  tickets,
};
export type Tasks = typeof TASKS;
export type TaskName = keyof Tasks;
export type Args<N extends TaskName> = Parameters<Tasks[N]>[0];
export type Result<N extends TaskName> = Awaited<ReturnType<Tasks[N]>>;

export interface Order {
  readonly task: TaskName;
  readonly args: never;
}
export type Report =
  | { readonly isReady: true } // It then waits for the others of its load.
  | { readonly result: unknown }
  | { readonly error: string };
