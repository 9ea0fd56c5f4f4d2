import type { FastifyInstance } from "fastify";
import type { PushDevices } from "@jichat/identity/push-devices.ts";
import type { PushOffers } from "@jichat/identity/push-offers.ts";
import type { Revocations } from "@jichat/identity/revocations.ts";
import type { PushUsers } from "@jichat/presence/push-users.ts";
import type { PushKind, PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import { bodyOf, readIdOf } from "../readers.ts";
import { readPushWish } from "../readers-of-push.ts";
import type { TokenCheckParts } from "../request.ts";
import { identityOf, requireToken, spend } from "../request.ts";
import * as schemas from "../schemas.ts";
import * as examples from "./push-examples.ts";

/** Apis of earlier levels leave a registration when its session ends. */
const PUSH_LEVEL = 2;
const PATH = "/v1/me/devices/:device/push";

const wish = {
  kind: schemas.pushKind,
  token: schemas.pushToken,
  subscription: schemas.pushSubscription,
  locale: schemas.locale,
  preview: schemas.preview,
  quiet: schemas.quietHours,
};
const params = schemas.object({ device: schemas.id }, ["device"]);

export interface PushRouteParts extends TokenCheckParts {
  readonly clock: Pick<Clock, "now">;
  readonly pushDevices: Pick<PushDevices, "of" | "put" | "remove" | "removeIfStill">;
  readonly pushOffers: Pick<PushOffers, "read">;
  readonly pushUsers: Pick<PushUsers, "add">;
  /** Registrations and removals, by user. */
  readonly pushBuckets: TokenBuckets;
  readonly revocations: Pick<Revocations, "refuse">;
}

/** What others may see of a registration: nothing by which something could be sent to the device. */
const shownOf = ({ device, target: { kind }, locale, preview, quiet, registeredAt }: PushRegistration) => ({
  device,
  kind,
  locale,
  preview,
  ...(quiet === undefined ? {} : { quiet }),
  registeredAt,
});

/** Throws FORBIDDEN unless the cluster sends by this kind. */
async function checkOffered({ pushOffers }: PushRouteParts, kind: PushKind): Promise<void> {
  const { kinds } = await pushOffers.read();
  if (kinds.includes(kind)) return;
  const offered = kinds.length === 0 ? "no push at all" : `push by ${kinds.join(", ")} alone`;
  throw new ChatError("FORBIDDEN", `\`kind\` is ${kind}, and this cluster offers ${offered}`);
}

/** Redis has to know who is told of messages: what is not noted there is not registered. */
async function noteUser({ pushUsers }: PushRouteParts, user: string): Promise<void> {
  await pushUsers.add(user).catch((cause: unknown) => {
    throw new ChatError("UNAVAILABLE", "devices cannot be registered just now", {
      cause,
      retryAfterMs: 1_000,
    });
  });
}

/** Routes for the devices of the caller that receive pushes, and for what the cluster can send by. */
export async function openPushRoutes(app: FastifyInstance, parts: PushRouteParts): Promise<void> {
  const { pushDevices, pushOffers, revocations } = parts;
  requireToken(app, parts);

  app.put(
    PATH,
    {
      config: { level: PUSH_LEVEL, refuses: ["level", "rights", "change"] },
      schema: {
        operationId: "registerPush",
        tags: ["push"],
        summary: "Registers a device for pushes, or changes its registration",
        description:
          "Call it at each start of the app: a provider may have replaced the device's token. What was registered of " +
          "this device before is replaced without a gap. A token or subscription belongs to one account: it moves " +
          "here from the one that had it. It ends with the session of the device. 20 devices of a user receive " +
          "pushes; one more takes the place of the oldest. A `kind` that the cluster does not offer is `FORBIDDEN`.",
        params,
        body: schemas.request(wish, ["kind", "locale", "preview"], ...examples.WISHES),
        response: { 200: schemas.reply("PushDevice", "What is registered") },
      },
    },
    async (request) => {
      const identity = identityOf(request);
      const { user, tokenId } = identity;
      const device = readIdOf(request.params, "device");
      const asked = readPushWish(bodyOf(request, wish));
      spend(parts.pushBuckets, user, "registrations for push");
      await checkOffered(parts, asked.target.kind);
      revocations.refuse(identity, device);
      const registration = { ...asked, device, registeredAt: parts.clock.now(), tokenId };
      await noteUser(parts, user);
      await pushDevices.put(user, registration);
      await noteUser(parts, user);
      try {
        revocations.refuse(identity, device);
      } catch (error) {
        await pushDevices.removeIfStill(user, device, registration.target); // It was signed out meanwhile.
        throw error;
      }
      return shownOf(registration);
    },
  );

  app.get(
    PATH,
    {
      config: { level: PUSH_LEVEL, refuses: ["level", "target"] },
      schema: {
        operationId: "getPush",
        tags: ["push"],
        summary: "What is registered of a device",
        description: "Without the token or the subscription. `NOT_FOUND` if the device receives no pushes.",
        params,
        response: { 200: schemas.reply("PushDevice", "What is registered") },
      },
    },
    async (request) => {
      const device = readIdOf(request.params, "device");
      const found = (await pushDevices.of(identityOf(request).user)).find((one) => one.device === device);
      if (found === undefined) throw new ChatError("NOT_FOUND", "this device receives no pushes");
      return shownOf(found);
    },
  );

  app.delete(
    PATH,
    {
      config: { level: PUSH_LEVEL, refuses: ["level"] },
      schema: {
        operationId: "removePush",
        tags: ["push"],
        summary: "Ends the pushes of a device",
        description: "Does nothing if the device is not registered.",
        params,
        response: { 200: schemas.done("The device receives no pushes") },
      },
    },
    async (request) => {
      const { user } = identityOf(request);
      const device = readIdOf(request.params, "device");
      spend(parts.pushBuckets, user, "registrations for push");
      await pushDevices.remove(user, device);
      return {};
    },
  );

  app.get(
    "/v1/push",
    {
      config: { level: PUSH_LEVEL, refuses: ["level"] },
      schema: {
        operationId: "getPushOffer",
        tags: ["push"],
        summary: "What the cluster can send pushes by",
        description: "`kinds` is empty if it sends none. `vapidPublicKey` is what a browser subscribes with.",
        response: { 200: schemas.reply("PushOffer", "The kinds of push") },
      },
    },
    async () => {
      const { kinds, vapidPublicKey } = await pushOffers.read();
      return { kinds, ...(vapidPublicKey === undefined ? {} : { vapidPublicKey }) };
    },
  );
}
