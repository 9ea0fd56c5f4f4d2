import type { PushKind, PushTarget } from "@jichat/protocol/bus/push-registration.ts";

/** What every push of one device has. */
interface Addressed {
  /** The same for every attempt at the same (device, conversation, seq). At most 43 characters, base64url. */
  readonly id: string;
  readonly user: string;
  readonly device: string;
  readonly conversation: string;
  /** The newest message that it tells of, or up to which it withdraws. */
  readonly seq: number;
  /**
   * Unread messages over all conversations that are not muted. Absent if that is not known or did not change.
   */
  readonly badge?: number | undefined;
  /**
   * Pushes with one key replace one another on the device. The same for all of a conversation. At most 32
   * characters, base64url.
   */
  readonly collapseKey: string;
  /** W3C trace context of the message. */
  readonly trace?: string | undefined;
}

/** A notification that the device shows. */
export interface Notification extends Addressed {
  readonly is: "notification";
  readonly title: string;
  readonly text: string;
  /** Messages that it stands for: 1, or more if it is folded. */
  readonly count: number;
  readonly hasSound: boolean;
  readonly isUrgent: boolean;
  /** Milliseconds after which it is not worth delivering. */
  readonly ttlMs: number;
}

/** Tells the device, without a sign, that its conversation was read up to `seq` elsewhere. */
export interface Withdrawal extends Addressed {
  readonly is: "withdrawal";
}

export type Push = Notification | Withdrawal;

/** What a provider made of one attempt. */
export type Outcome =
  | { readonly is: "sent" }
  /** The device's target exists no more: its registration goes. */
  | { readonly is: "gone"; readonly reason: string }
  /** No repetition can change it: a dead letter. */
  | { readonly is: "refused"; readonly reason: string }
  /** Worth another attempt. `afterMs` is what the provider asked for. `isDown` counts against its circuit. */
  | {
      readonly is: "retry";
      readonly reason: string;
      readonly afterMs?: number | undefined;
      readonly isDown: boolean;
      /** Our credentials are refused: a person has to look at them. */
      readonly isUnauthorized?: true;
    };

export interface Provider {
  readonly kind: PushKind;
  /**
   * What `isDown` is about: targets with one name fail together, such as those of one browser's push service.
   * Anybody can register an endpoint of a server that always fails, which must not stop the pushes of others.
   * Absent, all targets of the kind fail together. Names are secret, and there is no bound to their number.
   */
  circuitOf?(target: PushTarget): string;
  /**
   * Makes one attempt, which ends within a time of its own, or once the signal aborts. Never rejects: what
   * failed is an outcome. Reasons name no token, endpoint or text.
   */
  send(target: PushTarget, push: Push, signal?: AbortSignal): Promise<Outcome>;
  close(): void;
}
