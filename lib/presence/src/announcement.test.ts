import assert from "node:assert/strict";
import { test } from "node:test";
import { announcementText, readAnnouncement } from "./announcement.ts";

const SAID = { revision: "r1", acceptsSince: 0, startedAt: 5, sockets: 1, socketsMax: 2 };

test("an announcement is read as it was written, and other texts count as no word at all", () => {
  assert.deepEqual(readAnnouncement(announcementText(SAID)), SAID);
  assert.deepEqual(readAnnouncement(JSON.stringify({ ...SAID, more: 1 })), SAID, "a later build says more");
  for (const text of ["1", "", "null", "[]", "{}", "draining", '"x"'])
    assert.equal(readAnnouncement(text), undefined, text);
  for (const field of Object.keys(SAID))
    for (const value of [null, -1, "5.5", {}])
      if (!(field === "revision" && value === "5.5"))
        assert.equal(readAnnouncement(JSON.stringify({ ...SAID, [field]: value })), undefined, field);
});
