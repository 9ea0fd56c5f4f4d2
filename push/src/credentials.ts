import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "@jichat/protocol/faults.ts";
import type { PushOffer } from "@jichat/protocol/bus/push-offer.ts";
import type { PushKind } from "@jichat/protocol/bus/push-registration.ts";
import { PUSH_KINDS } from "@jichat/protocol/bus/push-registration.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Reread } from "@jichat/runtime/reread.ts";
import { readApns, readFcm, readVapid, readWebhook } from "./credential-forms.ts";
import type { Provider } from "./provider.ts";
import { openApns } from "./providers/apns.ts";
import { openFcm } from "./providers/fcm.ts";
import type { AddressRanges } from "./providers/public-address.ts";
import { openWebPush } from "./providers/web-push.ts";
import { openWebhook } from "./providers/webhook.ts";
import { SwappedProvider } from "./swapped-provider.ts";

export interface CredentialsOptions {
  /** Has one file per provider. A file that is missing or empty means that the provider is off. */
  readonly folder: string;
  readonly allowed: AddressRanges;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** What the cluster offers may have changed: a file was read anew, and is in use. */
  readonly onChange?: () => void;
}

const FILES: Readonly<Record<PushKind, string>> = {
  webpush: "vapid.json",
  fcm: "fcm.json",
  apns: "apns.json",
  webhook: "webhook.json",
};

/** The providers that the credentials in a folder allow. The files are read again while the process runs. */
export class PushProviders {
  readonly #options: CredentialsOptions;
  readonly #providers = new Map<PushKind, SwappedProvider>(
    PUSH_KINDS.map((kind) => [kind, new SwappedProvider(kind)]),
  );
  #vapidPublicKey: string | undefined;
  readonly rereads: readonly Reread[];
  readonly #broken = new Map<PushKind, string>();

  constructor(options: CredentialsOptions) {
    this.#options = options;
    this.rereads = PUSH_KINDS.map((kind) => {
      const path = join(options.folder, FILES[kind]);
      let text = "";
      try {
        text = readIfThere(path);
        this.#take(kind, text);
      } catch (error) {
        this.#broken.set(kind, messageOf(error));
        text = ""; // As if it were missing, so that the first look finds it changed.
      }
      const take = ([now = ""]: readonly string[]): void => {
        this.#take(kind, now);
        options.onChange?.();
      };
      return {
        what: `push credentials: ${FILES[kind]}`,
        files: [path],
        mayBeMissing: true,
        atStart: [text],
        take,
        restored: () => {
          this.#broken.delete(kind);
        },
      };
    });
  }

  /**
   * What is wrong with files now, and which credentials the providers refuse: `apns.json: …`. A provider whose
   * first file is broken is off; later, its last good one stays. What push services of browsers say is left
   * out: anybody can register an endpoint that refuses everything.
   */
  get faults(): readonly string[] {
    return PUSH_KINDS.flatMap((kind) => {
      const refusal = kind === "webpush" ? undefined : this.#providers.get(kind)?.unauthorized;
      const refused = refusal === undefined ? [] : [`${FILES[kind]}: ${refusal}`];
      const broken = this.#broken.get(kind);
      return [...(broken === undefined ? [] : [broken]), ...refused];
    });
  }

  /** The provider of a kind; `undefined` while it has no credentials. */
  get(kind: PushKind): Provider | undefined {
    const provider = this.#providers.get(kind);
    return provider?.isOn === true ? provider : undefined;
  }

  get offer(): Omit<PushOffer, "v"> {
    const kinds = PUSH_KINDS.filter((kind) => this.get(kind) !== undefined);
    return this.#vapidPublicKey === undefined ? { kinds } : { kinds, vapidPublicKey: this.#vapidPublicKey };
  }

  close(): void {
    for (const provider of this.#providers.values()) provider.close();
  }

  /** Throws an Error that names the file and the field. Then nothing has changed. */
  #take(kind: PushKind, text: string): void {
    const isOff = text.trim() === "";
    let provider: Provider | undefined;
    try {
      provider = isOff ? undefined : this.#open(kind, text);
    } catch (cause) {
      const why = `${FILES[kind]}: ${messageOf(cause)}`;
      this.#broken.set(kind, why);
      throw new Error(why, { cause });
    }
    this.#broken.delete(kind);
    if (kind === "webpush") this.#vapidPublicKey = isOff ? undefined : readVapid(text).publicKey;
    this.#providers.get(kind)?.swap(provider);
  }

  #open(kind: PushKind, text: string): Provider {
    const { clock, allowed } = this.#options;
    switch (kind) {
      case "webpush":
        return openWebPush({ vapid: readVapid(text), guard: { allowed }, clock });
      case "fcm":
        return openFcm({ ...readFcm(text), clock });
      case "apns":
        return openApns({ ...readApns(text), clock });
      case "webhook":
        return openWebhook({ ...readWebhook(text), guard: { allowed }, clock });
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** The faults as a person gets them: one for all providers, since it is one thing to look at. */
export const credentialFaults = (whys: readonly string[]): readonly Fault[] =>
  whys.length === 0 ? [] : [{ fault: "PushCredentialsRefused", partitions: [], why: whys.join("; ") }];
