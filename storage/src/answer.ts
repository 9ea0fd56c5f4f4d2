import type { Query } from "@jichat/protocol/bus/query.ts";
import { answerHeads, answerList } from "./cold-lists.ts";
import type { ColdRows } from "./cold-rows.ts";
import { answerFacts } from "./cold-state.ts";
import { answerMembers, answerPage } from "./history.ts";
import type { Store } from "./store.ts";
import type { Tail } from "./tail.ts";

interface Question {
  readonly tail: Tail;
  readonly query: Query;
  readonly countPage: (from: "memory" | "clickhouse") => void;
}

/**
 * Answers one query. The partition's tail must have reached the query's position. `countPage` is told where a
 * page came from.
 */
export async function answer(
  store: Store,
  cold: ColdRows,
  { tail, query, countPage }: Question,
): Promise<unknown> {
  switch (query.q) {
    case "facts":
      return answerFacts(store, cold, tail, query);
    case "heads":
      return answerHeads(cold, tail, query);
    case "history":
      return answerPage(cold, tail, query, countPage);
    case "list":
      return answerList(cold, tail, query);
    case "members":
      return answerMembers(cold, tail, query);
  }
}
