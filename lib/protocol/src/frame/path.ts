const SHOWN_MAX = 160;
const KEY_SHOWN_MAX = 40;
const PLAIN = /^\w{1,40}$/;

/**
 * The current place of a walk through a value, for error messages: bounded in length, printable ASCII only.
 */
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

  /**
   * The path as text, such as "`body.list[2].x`". It begins with `root`, or with the first key if `root` is
   * empty.
   */
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

/** One field as error messages show it. */
export function pathOf(field: string): string {
  const path = new Path();
  path.enter(field);
  return path.say();
}
