import type { Dice } from "@jichat/protocol/dice.ts";

const TEXTS = [
  "",
  "a",
  "*",
  "a.>",
  "é",
  "\ud83d",
  "\udc00x",
  "\u0000",
  "\u202egnp",
  "__proto__",
  "constructor",
  "' OR 1=1 --",
  "{db}",
  "\u{1f469}\u200d\u{1f4bb}",
  "9007199254740993",
] as const;
const NUMBERS = [0, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 64, 1e300, -0, Number.NaN] as const;
const DEEP = 200;

function deep(levels: number): unknown {
  let value: unknown = {};
  for (let i = 0; i < levels; i += 1) value = i % 2 === 0 ? [value] : { d: value };
  return value;
}

/** A value that a careless or hostile client might put in place of another. */
export function oddValue(dice: Dice): unknown {
  switch (Math.floor(dice.between(0, 9))) {
    case 0:
      return dice.pick(NUMBERS);
    case 1:
      return dice.chance(0.5);
    case 2:
      return null;
    case 3:
      return [dice.pick(TEXTS), dice.pick(NUMBERS)];
    case 4:
      return { [dice.pick(TEXTS)]: dice.pick(TEXTS), prototype: { x: 1 } };
    case 5:
      return dice.pick(TEXTS).repeat(Math.floor(dice.between(1, 300)));
    case 6:
      return deep(Math.floor(dice.between(1, DEEP)));
    case 7:
      return Array.from({ length: Math.floor(dice.between(1, 1_200)) }, (_, i) => `u${i}`);
    default:
      return dice.pick(TEXTS);
  }
}

/**
 * A copy of `map` in which one to three fields are removed, duplicated under another name, or given odd
 * values.
 */
export function mutated(
  map: Readonly<Record<string, unknown>>,
  names: readonly string[],
  dice: Dice,
): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...map };
  for (let i = 0; i < dice.between(1, 3); i += 1) {
    const name = dice.pick(names);
    if (dice.chance(0.2)) copy[name] = undefined;
    else copy[name] = oddValue(dice);
  }
  return copy;
}
