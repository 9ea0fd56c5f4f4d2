import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { pushOfferText } from "@jichat/protocol/bus/push-offer.ts";
import { withdrawPushOffer } from "./push-offer.ts";

/** A bucket of settings with this offer, and what is written to it. */
function settingsWith(offer: string | undefined) {
  const written: [string, string][] = [];
  let now = offer;
  const jsm = {
    streams: {
      getMessage: async (stream: string, { last_by_subj: subject }: { readonly last_by_subj: string }) => {
        assert.deepEqual([stream, subject], ["KV_c-settings", "$KV.c-settings.push"]);
        const text = now;
        return text === undefined ? null : { string: () => text };
      },
    },
    jetstream: () => ({
      publish: async (subject: string, text: string) => {
        written.push([subject, text]);
        now = text;
      },
    }),
  };
  return { written, withdraw: async () => withdrawPushOffer(jsm as never, namesOf("c")) };
}

test("what workers offered is taken back once when there are none", async () => {
  const { written, withdraw } = settingsWith(pushOfferText({ kinds: ["webpush"], vapidPublicKey: "k" }));
  await withdraw();
  await withdraw();
  assert.deepEqual(written, [["$KV.c-settings.push", pushOfferText({ kinds: [] })]]);
});

test("nothing is written where nobody offered anything", async () => {
  const { written, withdraw } = settingsWith(undefined);
  await withdraw();
  assert.deepEqual(written, []);
});
