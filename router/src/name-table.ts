/**
 * Maps texts to small numbers for as long as they are in use. A number takes 8 bytes of a packed row, where a
 * user's name in each of thousands of rows would be a separate string.
 */
export class NameTable {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** The number of a text; `undefined` if the text is not in use. */
  find(text: string): number | undefined {
    return this.#numbers.get(text);
  }

  /** Counts one more use of `text`. Each use has to be ended by `release`. */
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

  /** The texts of this moment, by their numbers. */
  texts(): readonly string[] {
    return this.#texts.slice();
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
