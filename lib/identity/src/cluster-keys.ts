import { readFileSync } from "node:fs";
import type { ClusterKeys, ProcessConfig } from "@jichat/runtime/process-config.ts";
import { clusterKeysOf } from "@jichat/runtime/process-config.ts";
import type { Reread } from "@jichat/runtime/reread.ts";

/** The cluster's current keys. The first one signs. A key file is read again while the process runs. */
export class CurrentClusterKeys {
  #keys: ClusterKeys;
  readonly reread: readonly Reread[];

  /** `onTaken` gets the keys of each later read. Throws if the file holds no keys. */
  constructor(
    { clusterKeys, clusterKeysFile }: Pick<ProcessConfig, "clusterKeys" | "clusterKeysFile">,
    onTaken: (keys: ClusterKeys) => void,
  ) {
    this.#keys = clusterKeys;
    if (clusterKeysFile === undefined) {
      this.reread = [];
      return;
    }
    const text = readFileSync(clusterKeysFile, "utf8");
    this.#keys = clusterKeysOf(text);
    const take = ([now = ""]: readonly string[]): void => {
      this.#keys = clusterKeysOf(now);
      onTaken(this.#keys);
    };
    this.reread = [{ what: "cluster key", files: [clusterKeysFile], atStart: [text], take }];
  }

  get all(): ClusterKeys {
    return this.#keys;
  }
}
