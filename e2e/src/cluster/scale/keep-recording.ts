import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "@jichat/testkit/cache.ts";
import { pictureOf } from "./recording-picture.ts";
import type { Recording } from "./recording.ts";

const FOLDER = ".data/scale";

/** Writes a recording as JSON and as a picture. Returns where they are. */
export function keepRecording(recording: Recording): string {
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  const file = join(FOLDER, recording.name);
  writeFileSync(join(ROOT, `${file}.json`), `${JSON.stringify(recording, undefined, 1)}\n`);
  writeFileSync(join(ROOT, `${file}.svg`), pictureOf(recording));
  return `the recording is ${file}.json, its picture ${file}.svg`;
}
