import assert from "node:assert/strict";
import { test } from "node:test";
import { heldBytes } from "@jichat/e2e/browser/devtools.ts";
import { Rig } from "@jichat/e2e/browser/rig.ts";

const HELD_BYTES_MAX = 60 * 1_024 * 1_024;

/** How long tasks take is a timing: `make bench ONLY=browser` measures it with the same rig. */
test(
  "1,000 conversations and 10,000 messages take less than 60 MB in Chromium, of the SDK alone and of the page",
  { timeout: 180_000 },
  async (t) => {
    await Rig.with(async (rig) => {
      for (const [what, page] of [
        ["the SDK", await rig.openSdk()],
        ["the page", await rig.openPage()],
      ] as const) {
        const bytes = await heldBytes(page);
        t.diagnostic(`${what} holds ${(bytes / 1_024 / 1_024).toFixed(1)} MB`);
        // Less than this would be no such application.
        assert.ok(bytes > 1_024 * 1_024 && bytes < HELD_BYTES_MAX, `${what}: ${bytes} bytes`);
      }
    });
  },
);
