type Text = string | undefined;

interface Known {
  /** What the Secret was seen to hold before it held what we wrote. */
  readonly older: Set<Text>;
  /** What it holds once our last write is heard of. */
  readonly text: Text;
}

/**
 * What the Secret of keys holds, also between a write and the moment that the watch tells of it. A pass that
 * took the Secret as it was before would make other keys than those that were told to everybody just now, or
 * take back a step of a rotation.
 */
export class KeyMemory {
  readonly #known = new Map<string, Known>();

  /** `seen` is what the watch says. Whoever else changes or deletes the Secret is believed. */
  read(cluster: string, seen: Text): Text {
    const known = this.#known.get(cluster);
    if (known?.older.has(seen) === true) return known.text;
    this.#known.set(cluster, { older: new Set(), text: seen });
    return seen;
  }

  /** What is written next, in the place of what was read last. */
  writes(cluster: string, text: string): void {
    const { older, text: before } = this.#known.get(cluster) ?? { older: new Set<Text>(), text: undefined };
    if (before === text) return;
    this.#known.set(cluster, { older: new Set([...older, before]), text });
  }

  forget(cluster: string): void {
    this.#known.delete(cluster);
  }
}
