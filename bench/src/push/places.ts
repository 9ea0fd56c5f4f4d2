import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import { directConversation, partitionOf } from "@jichat/protocol/ids.ts";
import { pairOf } from "../generator/talk.ts";

/** People `b0` to `bN`, and their 1-1 conversations in the order of `pairOf`. */
export interface Circle {
  readonly people: number;
  readonly conversations: number;
  readonly partitions: number;
}

/** One side of a 1-1 conversation: who hears of what the other one says. */
export interface Place {
  readonly conversation: string;
  readonly partition: number;
  readonly from: string;
  readonly to: string;
}

/** Both sides of each conversation, one after the other: place 2 × c + side. */
export const placesOf = ({ people, conversations, partitions }: Circle): readonly Place[] =>
  Array.from({ length: conversations }, (_, at) => {
    const [a, b] = pairOf(at, people).map((index) => `b${index}`);
    const [one = "", other = ""] = [a, b];
    const conversation = directConversation(one, other);
    const partition = partitionOf(conversation, partitions);
    return [
      { conversation, partition, from: one, to: other },
      { conversation, partition, from: other, to: one },
    ];
  }).flat();

const PREVIEW = "A message of forty characters, more or less.".slice(0, 40);

/** An entry of the push queue as a router writes it. */
export const messageTo = (
  { conversation, from, to }: Omit<Place, "partition">,
  { seq, ts }: { readonly seq: number; readonly ts: number },
): QueuedMessage => ({
  is: "message",
  conversation,
  seq,
  no: seq - 1,
  from,
  ts,
  preview: PREVIEW,
  isDirect: true,
  members: 2,
  to: [to],
});

/** The seq of the first entries: above that of the message that each conversation has. It is even. */
const FIRST_SEQ = 100;

/** Entries go to all places in turn. Entry `index` has this seq in its conversation, where it rises. */
export const seqOf = (index: number, places: number): number =>
  FIRST_SEQ + 2 * Math.floor(index / places) + (index % 2);

/** The entry that has this seq in this conversation (counted from 0). */
export const indexOf = (conversation: number, seq: number, places: number): number => {
  const round = Math.floor((seq - FIRST_SEQ) / 2);
  return round * places + 2 * conversation + ((seq - FIRST_SEQ) % 2);
};
