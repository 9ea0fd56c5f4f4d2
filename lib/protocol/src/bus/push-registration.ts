import { decodeInner } from "./wire.ts";

/** Where a device receives pushes, in the words of its provider. */
export type PushTarget =
  | {
      readonly kind: "webpush";
      readonly endpoint: string;
      /** The subscription's public key and secret, base64url, as the browser gave them. */
      readonly p256dh: string;
      readonly auth: string;
    }
  | { readonly kind: "fcm" | "apns" | "webhook"; readonly token: string };

export type PushKind = PushTarget["kind"];
export const PUSH_KINDS = ["webpush", "fcm", "apns", "webhook"] as const satisfies readonly PushKind[];

/** How much of a message a notification shows. */
export type Preview = "none" | "sender" | "text";

/** Daily hours without notifications. They may pass midnight. */
export interface QuietHours {
  /** `HH:MM`, 24 hours. */
  readonly from: string;
  readonly to: string;
  /** A time zone of the IANA database. */
  readonly zone: string;
}

/** A device that wants pushes. */
export interface PushRegistration {
  readonly device: string;
  readonly target: PushTarget;
  /** A BCP 47 language tag. */
  readonly locale: string;
  readonly preview: Preview;
  readonly quiet?: QuietHours | undefined;
  /** Milliseconds since 1970. */
  readonly registeredAt: number;
  /** The name of the token that registered it: the registration ends with that token. */
  readonly tokenId?: string | undefined;
  /** The revision of its target's entry. Only that one goes with the registration. */
  readonly claim?: number | undefined;
}

/** A device of a user, as the owner of a target. */
export interface PushOwner {
  readonly user: string;
  readonly device: string;
}

/** A target's entry in the bucket of push registrations. */
export interface PushOwners {
  readonly v: 1;
  /** To whom the target belongs, and after it those to whom it belonged before, the latest first. */
  readonly owners: readonly [PushOwner, ...PushOwner[]];
}

/** A user's entry in the bucket of push registrations. */
export interface PushRegistrations {
  readonly v: 1;
  readonly devices: readonly PushRegistration[];
}

/** Most devices of one user that receive pushes. A further one takes the place of the oldest. */
export const PUSH_DEVICES_MAX = 20;

export const pushRegistrationsText = (devices: readonly PushRegistration[]): string =>
  JSON.stringify({ v: 1, devices } satisfies PushRegistrations);
export const readPushRegistrations = (text: string): readonly PushRegistration[] =>
  decodeInner<PushRegistrations>(text, "a user's push registrations").devices;

export const pushOwnersText = (owners: PushOwners["owners"]): string =>
  JSON.stringify({ v: 1, owners } satisfies PushOwners);
export const readPushOwners = (text: string): PushOwners["owners"] =>
  decodeInner<PushOwners>(text, "the owners of a push target").owners;
