import type { Body } from "../src/types.ts";

const cycle = (): Body => {
  const map: Record<string, unknown> = { inner: {} };
  (map["inner"] as Record<string, unknown>)["again"] = map;
  return map;
};
/** A value in 2^30 places: who walks through it all never comes back. */
const doubling = (): Body => {
  let value: unknown = "x".repeat(1_000);
  for (let i = 0; i < 30; i += 1) value = [value, value];
  return { value };
};
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

class Point {
  x = 1;
}

/** Bodies that JSON cannot express as they are, each with what its refusal names. */
export const BAD: readonly { readonly name: RegExp; readonly make: () => unknown }[] = [
  { name: /`body\.n` is a bigint/, make: () => ({ n: 10n }) },
  { name: /`body\.at\[1\]` is an instance of Date/, make: () => ({ at: [1, new Date(0)] }) },
  { name: /`body\.inner\.again` contains itself/, make: cycle },
  { name: /`body\.a\.b` is undefined/, make: () => ({ a: { b: undefined } }) },
  { name: /`body\.list\[0\]` is undefined/, make: () => ({ list: Array.from({ length: 3 }) }) },
  { name: /`body\.n` is NaN/, make: () => ({ n: Number.NaN }) },
  { name: /`body\.n` is -Infinity/, make: () => ({ n: Number.NEGATIVE_INFINITY }) },
  { name: /`body\.n` is over 2\^53 - 1/, make: () => ({ n: 2 ** 53 }) },
  { name: /`body\.f` is a function/, make: () => ({ f: () => 1 }) },
  { name: /`body\.s` is a symbol/, make: () => ({ s: Symbol("s") }) },
  { name: /`body\.m` is an instance of Map/, make: () => ({ m: new Map([[1, 2]]) }) },
  { name: /`body\.p` is an instance of Point/, make: () => ({ p: new Point() }) },
  { name: /`body\.e` is an instance of Error/, make: () => ({ e: new Error("e") }) },
  { name: /`body\.b` is an instance of Uint8Array/, make: () => ({ b: new Uint8Array(2) }) },
  { name: /`body\.text` has half a surrogate pair/, make: () => ({ text: "\ud83d" }) },
  { name: /`body\["\\ud83d"\]` is a key with half/, make: () => ({ "\ud83d": 1 }) },
  {
    name: /`body\.toJSON` is a function/,
    make: () => ({
      toJSON: () => {
        throw new Error("toJSON threw");
      },
    }),
  },
  {
    name: /`body\.a` could not be read: a getter threw/,
    make: () => ({
      get a() {
        throw new Error("a getter threw");
      },
    }),
  },
  {
    name: /`body\["__proto__"\]` is a key|`body\.__proto__` is a key/,
    make: () => JSON.parse('{"__proto__":1}'),
  },
  { name: /is nested deeper than 32/, make: () => ({ deep: nested(40) }) },
  { name: /`body` is larger than any server accepts/, make: doubling },
  { name: /`body` is not a map|needs `body`/, make: () => undefined },
  { name: /`body` is not a map/, make: () => null },
  { name: /`body` is not a map/, make: () => "text" },
  { name: /`body` is not a map/, make: () => [1] },
];
