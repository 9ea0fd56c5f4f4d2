import type { Field } from "@jichat/protocol/field.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Place, State } from "./state.ts";

/** Adds a row to a table other than `events`. Values are in the order of the table's columns. */
export type AddRow = (table: "edits" | "memberships", values: readonly unknown[]) => void;

/** The place in the logs that a row comes from. */
export interface Origin {
  readonly partition: number;
  readonly position: number;
}

/** Fields of every event, whatever its kind, and what a page adds to it. */
type Common = "conversation" | "seq" | "no" | "kind" | "from" | "ts" | "id" | "edited" | "recalled";
/** Fields that an event has because of its kind. `ChatEvent` tells readers each of them. */
type Own = Omit<InnerEvent, Common>;

/** Everything about one kind of event, in one place for the owner, for storage and for readers. */
export interface Kind {
  /** The lowest cluster level at which such an event is written. */
  readonly level: number;
  /** Fields beyond those that every event has. Fields without a column go to the column `extra`. */
  readonly fields: { readonly [N in keyof Own]?: Field<Own[N]> };
  /** Counts in `no`. Members who are away are notified by push. */
  readonly isMessage?: true;
  /** Stored in the table `lifecycle` too, from which storage folds a conversation's state. */
  readonly isFolded?: true;
  /** Applies the event to the state. The caller has checked the seq and moved the head. */
  readonly apply?: (state: State, event: Folding, place: Place) => void;
  /** Users whose entry in the list of conversations changes. */
  readonly lists?: (event: InnerEvent) => readonly string[];
  /** Users who receive it beside the members. */
  readonly alsoTold?: (event: InnerEvent) => readonly string[];
  readonly rows?: (add: AddRow, event: InnerEvent, origin: Origin) => void;
}

/** The fields of an event that `apply` may read. Storage keeps no others of the events that it folds. */
export type Folding = Pick<InnerEvent, "kind" | "from"> & Own;

export const NOBODY: readonly string[] = [];
