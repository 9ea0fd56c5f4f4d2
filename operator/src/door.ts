import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import type { User } from "./desired/keys.ts";
import type { Backend } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { backendUrl } from "./desired/desired-input.ts";

/** Where a backend is, and how it is spoken to. */
export interface Door {
  readonly url: string;
  readonly tls: BackendTls | undefined;
}

/** The embedded ClickHouse has no door. */
export function doorOf(input: DesiredInput, backend: Backend, user: User): Door | undefined {
  const url = backendUrl(input, backend, user);
  return url === undefined ? undefined : { url, tls: input.backendTls[backend] };
}
