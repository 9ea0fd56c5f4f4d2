import type { ListEntry } from "@jichat/protocol/bus/query.ts";

export interface SessionEntry {
  readonly connector: string;
  readonly session: string;
  readonly birth: number;
}

/** A user's list as Redis has it; `complete` only if it was rebuilt from storage in this run of Redis. */
export interface StoredList {
  readonly complete: boolean;
  readonly entries: readonly ListEntry[];
}

/** `position first mark markNo left`: the position first, so that the script can compare it. */
export const entryText = ({ position, first, mark, markNo, left }: ListEntry): string =>
  `${position} ${first} ${mark} ${markNo} ${left ?? 0}`;

export function readEntry(conversation: string, text: string): ListEntry {
  const [position = 0, first = 0, mark = 0, markNo = 0, left = 0] = text.split(" ").map(Number);
  return { conversation, position, first, mark, markNo, ...(left === 0 ? {} : { left }) };
}

/** `connector session birth`, as the scripts write it. */
export const readSession = (text: string): SessionEntry => {
  const [connector = "", session = "", birth = "0"] = text.split(" ");
  return { connector, session, birth: Number(birth) };
};
