import type { BackendTls } from "@jichat/runtime/tls-material.ts";
import type { Backend } from "./names.ts";
import type { DesiredInput } from "./desired-input.ts";

/** The keys of a Secret, with the file that a pod gets and the variable that names the file. */
const FILES = [
  { key: "ca.crt", part: "ca", file: "ca.crt", variable: "CA_FILE" },
  { key: "tls.crt", part: "cert", file: "tls.crt", variable: "CERT_FILE" },
  { key: "tls.key", part: "key", file: "tls.key", variable: "KEY_FILE" },
] as const;

/** The TLS parameters for a backend, from a Secret's keys. */
export const tlsOf = (secret: Readonly<Record<string, string>>): BackendTls =>
  Object.fromEntries(
    FILES.flatMap(({ key, part }) => (secret[key] === undefined ? [] : [[part, secret[key]]])),
  );

const present = (input: DesiredInput, backends: readonly Backend[]) =>
  backends.flatMap((backend) =>
    FILES.flatMap(({ part, file, variable }) => {
      const pem = input.backendTls[backend]?.[part];
      return pem === undefined
        ? []
        : [{ file: `${backend}-${file}`, variable: `${backend.toUpperCase()}_${variable}`, pem }];
    }),
  );

/** The TLS files in a component's Secret, by file name. */
export const tlsFiles = (input: DesiredInput, backends: readonly Backend[]): Record<string, string> =>
  Object.fromEntries(present(input, backends).map(({ file, pem }) => [file, pem]));

/** The variables that name the TLS files, which are mounted in `folder`. */
export const tlsVariables = (
  input: DesiredInput,
  backends: readonly Backend[],
  folder: string,
): Record<string, string> =>
  Object.fromEntries(present(input, backends).map(({ file, variable }) => [variable, `${folder}/${file}`]));
