const SHOWN_MAX = 160;
const KEY_SHOWN_MAX = 40;
const PLAIN = /^\w{1,40}$/;

/** Where a walk through a value stands, as an error may show it: bounded, and of printable ASCII. */
export class Path {
  readonly #steps: (string | number)[] = [];

  enter(step: string | number): void {
    this.#steps.push(step);
  }

  leave(): void {
    this.#steps.pop();
  }

  clear(): void {
    this.#steps.length = 0;
  }

  /** "`body.list[2].x`", from `root`, or from the first key where there is no root. */
  say(root = ""): string {
    let text = root;
    for (const step of this.#steps) {
      if (text.length > SHOWN_MAX) return `\`${text}…\``;
      if (typeof step === "number") text += `[${step}]`;
      else if (PLAIN.test(step)) text += text === "" ? step : `.${step}`;
      else text += `[${quoted(step)}]`;
    }
    return `\`${text}\``;
  }
}

const quoted = (key: string): string =>
  JSON.stringify(key.slice(0, KEY_SHOWN_MAX)).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** One field, as an error may show it. */
export function pathOf(field: string): string {
  const path = new Path();
  path.enter(field);
  return path.say();
}
