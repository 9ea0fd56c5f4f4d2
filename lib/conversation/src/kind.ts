import type { Field } from "@jichat/protocol/field.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Place, State } from "./state.ts";

/** One more row of a table beside `events`, its values in the order of the table's columns. */
export type AddRow = (table: "edits" | "memberships", values: readonly unknown[]) => void;

/** Where in the logs a row comes from. */
export interface Origin {
  readonly partition: number;
  readonly position: number;
}

/** What an event has of whatever kind it is, and what a page adds to it. */
type Common = "conversation" | "seq" | "no" | "kind" | "from" | "ts" | "id" | "edited" | "recalled";
/** What an event has because of its kind: readers are told each of these by `ChatEvent`. */
type Own = Omit<InnerEvent, Common>;

/** What an event of one kind is and does, said once: for the owner, for storage and for whoever reads it. */
export interface Kind {
  /** The least level of a cluster at which such an event is written. */
  readonly level: number;
  /** What it carries beyond what every event has. What no column is for goes to the column `extra`. */
  readonly fields: { readonly [N in keyof Own]?: Field<Own[N]> };
  /** Counts in `no`; who does not hear it is told by push. */
  readonly isMessage?: true;
  /** Is kept in the table `lifecycle`, of which storage folds a conversation. */
  readonly isFolded?: true;
  /** Moves the state. The caller has checked seq, and moved the head. */
  readonly apply?: (state: State, event: Folding, place: Place) => void;
  /** Users whose entry in their list moves. */
  readonly lists?: (event: InnerEvent) => readonly string[];
  /** Users beyond the members who hear of it. */
  readonly alsoTold?: (event: InnerEvent) => readonly string[];
  readonly rows?: (add: AddRow, event: InnerEvent, origin: Origin) => void;
}

/** Of an event, what `apply` may read: storage has no more of those that it folds. */
export type Folding = Pick<InnerEvent, "kind" | "from"> & Own;

export const NOBODY: readonly string[] = [];
