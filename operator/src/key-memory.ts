type Text = string | undefined;

interface Known {
  /** The contents that the Secret had before our last writes. */
  readonly older: Set<Text>;
  /** The content of our last write. */
  readonly text: Text;
}

/**
 * The content of the keys' Secret, even between a write and the moment when the watch reports it. A pass that
 * used the old content would make keys different from those just handed out, or take back a step of a
 * rotation.
 */
export class KeyMemory {
  readonly #known = new Map<string, Known>();

  /** `seen` is the content that the watch reports. A change or deletion by anyone else counts. */
  read(cluster: string, seen: Text): Text {
    const known = this.#known.get(cluster);
    if (known?.older.has(seen) === true) return known.text;
    this.#known.set(cluster, { older: new Set(), text: seen });
    return seen;
  }

  /** Records the next write, which replaces what was read last. */
  writes(cluster: string, text: string): void {
    const { older, text: before } = this.#known.get(cluster) ?? { older: new Set<Text>(), text: undefined };
    if (before === text) return;
    this.#known.set(cluster, { older: new Set([...older, before]), text });
  }

  forget(cluster: string): void {
    this.#known.delete(cluster);
  }
}
