import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import type { User } from "./desired/keys.ts";
import type { Backend } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { backendUrl } from "./desired/desired-input.ts";

/** The address of a backend, and the TLS parameters to reach it. */
export interface Door {
  readonly url: string;
  readonly tls: BackendTls | undefined;
}

/** Undefined for the embedded ClickHouse. */
export function doorOf(input: DesiredInput, backend: Backend, user: User): Door | undefined {
  const url = backendUrl(input, backend, user);
  return url === undefined ? undefined : { url, tls: input.backendTls[backend] };
}
