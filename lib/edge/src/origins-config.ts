import { originOf } from "@jichat/protocol/origin.ts";
import type { EnvReader } from "@jichat/runtime/env-reader.ts";

/**
 * Reads ORIGINS: the origins of pages that may use connectors and the api, as browsers tell them. `*` stands for
 * all. A client that tells no origin is no page, and is let in.
 */
export function readOrigins(reader: EnvReader): readonly string[] {
  const origins = reader.list("ORIGINS").map((text) => {
    const origin = text === "*" ? text : originOf(text);
    if (origin === undefined)
      reader.refuse(
        `ORIGINS has \`${text}\`, which is no origin such as https://chat.example.com, without a path`,
      );
    return origin ?? text;
  });
  return [...new Set(origins)];
}
