import { Asker } from "./asker.ts";
import type { Door } from "./people.ts";
import { gather, inParallel, leave } from "./people.ts";

export interface MeetArgs {
  readonly door: Door;
  /** `b0` to `bN`, as in `talk`. */
  readonly people: number;
}

/** Connects the people for their first sync: from then on Redis knows that their lists are complete. */
export async function meet({ door, people }: MeetArgs): Promise<void> {
  const asker = new Asker();
  const persons = await gather(door, "b", people, (_, text) => {
    asker.heard(text);
  });
  const now = Date.now();
  await inParallel(people, 64, async (index) => {
    const socket = persons[index]?.socket;
    if (socket !== undefined) await asker.ask(socket, `s${index}-${now}`, { t: "sync" });
  });
  leave(persons);
}
