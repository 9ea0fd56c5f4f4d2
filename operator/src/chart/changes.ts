import { TRANSITIONS } from "../crd/transitions.ts";

const BEGIN = "<!-- Made of operator/src/crd/transitions.ts by `make chart`. -->";
const END = "<!-- So far. -->";

const cell = (text: string): string => text.replaceAll("|", "\\|");

/** The table of transitions. Fields with the same transition share a row. */
function table(): string {
  const shared = new Map<string, string[]>();
  for (const [path, { does, how }] of Object.entries(TRANSITIONS)) {
    const effect = `${does} | ${cell(how)}`;
    shared.set(effect, [...(shared.get(effect) ?? []), `\`${path}\``]);
  }
  return [
    "| fields | a change is | how |",
    "| --- | --- | --- |",
    ...[...shared].map(([effect, paths]) => `| ${paths.join(", ")} | ${effect} |`),
  ].join("\n");
}

/** A page with the table in its place. Throws if the page has no such place. */
export function withChanges(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`the page has no place between ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table()}\n\n${page.slice(end)}`;
}
