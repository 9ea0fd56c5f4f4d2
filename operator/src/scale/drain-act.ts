import type { DrainMark } from "./drain-mark.ts";

/** One thing to do with one pod. Each is safe to do again, and to leave half done: the next pass goes on. */
export type Act =
  /** Take it out of the Service, and let it be the first that its controller deletes. */
  | { readonly does: "mark"; readonly pod: string; readonly mark: DrainMark }
  /** Note in its mark that it is the next that is told, or that it is not any more. */
  | { readonly does: "turn"; readonly pod: string; readonly mark: DrainMark }
  /** Tell its devices to go. */
  | { readonly does: "tell"; readonly pod: string; readonly mark: DrainMark }
  /** It may go: the next pass lowers the replicas to `mark.to`. */
  | { readonly does: "release"; readonly pod: string; readonly mark: DrainMark }
  /** It stays after all. `isWrong`: another pod was deleted in its place. */
  | { readonly does: "undo"; readonly pod: string; readonly isWrong: boolean }
  /** It is nobody's victim and lacks the label of the Service: an older operator made it. */
  | { readonly does: "route"; readonly pod: string };
