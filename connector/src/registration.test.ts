import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { RegistrationParts } from "./registration.ts";
import { register } from "./registration.ts";
import type { Session } from "./session.ts";

const NOBODY = { birth: 5, displaced: undefined, crowdedOut: [], list: undefined };
const log = { warn: assert.fail, debug: assert.fail };

const partsWith = (onRegister: () => void): RegistrationParts => ({
  presence: {
    ready: true,
    register: async () => {
      onRegister();
      return NOBODY;
    },
    unregister: async () => undefined,
  },
  config: { instance: "c1" },
  telemetry: { log },
  hub: { find: () => undefined },
  bus: { publish: () => undefined },
  names: namesOf("test"),
});

const identity = { user: "ann", expiresAt: 2, issuedAt: 1, tokenId: "t" };
const session = (isOpen: boolean): Session =>
  ({ user: "ann", device: "d", id: "s", isOpen, registered: false, helloAt: 0, identity }) as Session;

test("a session that has closed is not registered: it could displace its device's next session", async () => {
  let registered = 0;
  const parts = partsWith(() => {
    registered += 1;
  });
  const [closed, open] = [session(false), session(true)];
  await register(parts, closed);
  assert.equal(registered, 0);
  assert.equal(closed.registered, false);
  await register(parts, open);
  assert.equal(registered, 1);
  assert.equal(open.registered, true);
});
