import type { PushDevices } from "@jichat/identity/push-devices.ts";
import type { Identity } from "@jichat/identity/tokens.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { KnownDevice } from "@jichat/presence/presence-texts.ts";
import type { PushRegistration } from "@jichat/protocol/bus/push-registration.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";

export interface PushEndingParts {
  readonly pushDevices: Pick<PushDevices, "moveToToken" | "of" | "removeWhere">;
  readonly presence: Pick<Presence, "devices">;
  readonly telemetry: Pick<Telemetry, "log">;
}

type Owner = Pick<Identity, "user" | "tokenId">;
/** Which of a user's registrations end. */
type IsOver = (one: PushRegistration) => boolean;

/**
 * Ends registrations for push together with what they were made with. A registration ends with the token that
 * its device has now, as far as that is known, else with the token that it was registered with.
 *
 * Registrations are removed before the token is void: whoever has no answer can still ask again. They are
 * removed once more after it, since the token may have registered a device in between.
 */
export class PushEndings {
  readonly #parts: PushEndingParts;

  constructor(parts: PushEndingParts) {
    this.#parts = parts;
  }

  /** Around a sign-out: the devices of this token. */
  async withToken<T>(owner: Owner, act: () => Promise<T>): Promise<T> {
    const isHeld = await this.#holdersOf(owner);
    return this.#around(owner.user, isHeld, act);
  }

  /** Around the end of all sessions but those of this token. */
  async withOthers<T>(owner: Owner, act: () => Promise<T>): Promise<T> {
    const isHeld = await this.#holdersOf(owner);
    return this.#around(owner.user, (one) => !isHeld(one), act);
  }

  /**
   * Around a change of the password: all but the devices of this token. These get the token that comes of it,
   * whose name `tokenIdOf` tells.
   */
  async withOldTokens<T>(
    owner: Owner,
    act: () => Promise<T>,
    tokenIdOf: (done: T) => Promise<string>,
  ): Promise<T> {
    const isHeld = await this.#holdersOf(owner);
    const done = await this.#around(owner.user, (one) => !isHeld(one), act);
    try {
      await this.#parts.pushDevices.moveToToken(owner.user, isHeld, await tokenIdOf(done));
    } catch (error) {
      const { log } = this.#parts.telemetry;
      log.warn({ err: error }, "a registration for push does not know the new token of its device yet");
    }
    return done;
  }

  /** Around the end of all sessions. */
  async withAll<T>(user: string, act: () => Promise<T>): Promise<T> {
    return this.#around(user, () => true, act);
  }

  /**
   * Around the end of one session of a user, by whoever has this token: its device, and what was registered
   * under other names with its token, if that ends with it. A browser registers so for all of its tabs. `act`
   * is told whether the device had a registration.
   */
  async withDevice<T>(owner: Owner, device: string, act: (had: boolean) => Promise<T>): Promise<T> {
    const { user } = owner;
    const had = (await this.#parts.pushDevices.of(user)).some((one) => one.device === device);
    const isHeld = await this.#heldWith(owner, device);
    return this.#around(
      user,
      (one) => one.device === device || isHeld(one),
      async () => act(had),
    );
  }

  async #around<T>(user: string, isOver: IsOver, act: () => Promise<T>): Promise<T> {
    const { pushDevices, telemetry } = this.#parts;
    await pushDevices.removeWhere(user, isOver);
    const done = await act();
    await pushDevices.removeWhere(user, isOver).catch((error: unknown) => {
      telemetry.log.warn(
        { err: error },
        "registrations for push were removed only before their token was void",
      );
    });
    return done;
  }

  /** Whether a registration is of a device that has this token. */
  async #holdersOf({ user, tokenId }: Owner): Promise<IsOver> {
    if ((await this.#parts.pushDevices.of(user)).length === 0) return (one) => one.tokenId === tokenId;
    return holdersOf(await this.#devicesOf(user), tokenId);
  }

  /** Whether a registration is held by the token of this device, and the token ends with its session. */
  async #heldWith({ user, tokenId }: Owner, device: string): Promise<IsOver> {
    const known = await this.#devicesOf(user);
    const ending = known.find((one) => one.device === device)?.credential.tokenId;
    const others = known.filter((one) => one.device !== device).map(({ credential }) => credential.tokenId);
    if (ending === undefined || ending === tokenId || others.includes(ending)) return () => false;
    return holdersOf(known, ending);
  }

  async #devicesOf(user: string): Promise<readonly KnownDevice[]> {
    const { presence, telemetry } = this.#parts;
    return presence.devices(user).catch((error: unknown) => {
      telemetry.log.warn({ err: error }, "which device has which token is not known: registrations say it");
      return [];
    });
  }
}

function holdersOf(known: readonly KnownDevice[], tokenId: string): IsOver {
  const credentials = new Map(known.map(({ device, credential }) => [device, credential]));
  return ({ device, registeredAt, tokenId: registeredWith }) => {
    const credential = credentials.get(device);
    const isLater = credential !== undefined && credential.connectedAt >= registeredAt;
    return (isLater ? credential.tokenId : registeredWith) === tokenId;
  };
}
