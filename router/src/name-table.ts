/**
 * Texts by a small number, for as long as somebody uses them: a number takes 8 bytes of a packed row, where
 * a user's name in each of thousands of rows would be a string of its own.
 */
export class NameTable {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** The number of a text that is in use. */
  find(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  /** One more use of `text`: each is to be given back by `release`. */
  use(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) {
      this.#uses[known] = (this.#uses[known] ?? 0) + 1;
      return known;
    }
    const number = this.#free.pop() ?? this.#texts.length;
    this.#numbers.set(text, number);
    this.#texts[number] = text;
    this.#uses[number] = 1;
    return number;
  }

  text(number: number): string {
    return this.#texts[number] ?? "";
  }

  release(number: number): void {
    const uses = (this.#uses[number] ?? 0) - 1;
    this.#uses[number] = uses;
    if (uses > 0) return;
    this.#numbers.delete(this.text(number));
    this.#texts[number] = "";
    this.#free.push(number);
  }
}
