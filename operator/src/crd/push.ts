import { Type } from "typebox";
import { component } from "./components.ts";
import { CIDR, rules, secretName } from "./kinds.ts";

const optional = Type.Optional;

/** A key of a Secret. Providers hand out files under names of their own, so the key can be named. */
const secretRef = (key: string, what: string) =>
  Type.Object(
    {
      name: secretName("a Secret in the namespace of the ChatCluster"),
      key: Type.String({
        default: key,
        minLength: 1,
        maxLength: 253,
        pattern: "^[-._a-zA-Z0-9]+$",
        description: "the key in it",
      }),
    },
    { description: `${what}; when it changes, workers take it over, and none restarts` },
  );

const webPush = Type.Object(
  {
    subject: Type.String({
      maxLength: 256,
      pattern: String.raw`^(mailto:[^@\s]+@[^@\s]+|https://[^\s]+)$`,
      description:
        "whom the push services of browsers can write to about this sender, as `mailto:` or `https:`",
    }),
  },
  {
    description:
      "pushes to browsers. The operator makes the VAPID keys once, and keeps them in the Secret `NAME-keys`",
  },
);

const fcm = Type.Object(
  { secretRef: secretRef("service-account.json", "the service account's key file, as Google gives it out") },
  { description: "pushes by Firebase Cloud Messaging: Android, and whatever else it reaches" },
);

const APPLE_ID = "^[A-Z0-9]{10}$";
const apns = Type.Object(
  {
    secretRef: secretRef("key.p8", "the signing key, as Apple gives it out (`AuthKey_….p8`)"),
    keyId: Type.String({ pattern: APPLE_ID, description: "the ID of that key" }),
    teamId: Type.String({ pattern: APPLE_ID, description: "the ID of the team that it belongs to" }),
    topic: Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: "^[-.A-Za-z0-9]+$",
      description: "the bundle ID of the app",
    }),
    isSandbox: Type.Boolean({
      default: false,
      description: "tokens are those of builds from Xcode, not from TestFlight or the App Store",
    }),
  },
  { description: "pushes by Apple: iOS, iPadOS, macOS" },
);

const webhook = Type.Object(
  {
    url: Type.String({
      maxLength: 1_024,
      pattern: String.raw`^https?://[^@\s]+$`,
      description: "what is pushed is posted here, signed as Standard Webhooks say",
    }),
    secretRef: secretRef(
      "secret",
      "secrets that sign, one a line, each `whsec_` and base64 of 24 to 64 bytes. Each request has a signature by each of them, so that a new one can be taken in beside the old one",
    ),
  },
  { description: "pushes by a service of yours: another provider, e-mail, one's own gateway" },
);

/** The push workers. Absent means none: then nothing of push runs, and nobody is told of a message. */
export const push = Type.Object(
  {
    ...component("push workers", 2, 64),
    webPush: optional(webPush),
    fcm: optional(fcm),
    apns: optional(apns),
    webhook: optional(webhook),
    previews: Type.Boolean({
      default: true,
      description:
        "pushes may show text of messages, to devices that want it; `false`: no push of this ChatCluster does",
    }),
    mentionsOnlyAbove: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 200,
      description:
        "in conversations with more members, only those who are mentioned are told, unless they chose otherwise",
    }),
    allowedAddresses: Type.Array(Type.String({ maxLength: 64, pattern: CIDR }), {
      default: [],
      maxItems: 64,
      "x-kubernetes-list-type": "set",
      description:
        "CIDRs that pushes may be sent to beside public addresses, on every port and without TLS too, such as those of a `webhook` inside; of a Service, its own address and those of its pods. Whoever registers a browser can name them too, so name no more than the gateway's",
    }),
    templates: optional(
      Type.Object(
        {
          configMapRef: Type.Object({
            name: secretName(
              "a ConfigMap in the namespace of the ChatCluster, with a file for each language",
            ),
          }),
        },
        { description: "the words of notifications, in more languages or in other words; when they change, workers are replaced" },
      ),
    ),
  },
  {
    description: "workers that tell people who are away of messages; without it there are none",
    ...rules(
      {
        rule: "has(self.webPush) || has(self.fcm) || has(self.apns) || has(self.webhook)",
        message:
          "push has no provider: set one or more of push.webPush, push.fcm, push.apns and push.webhook, or leave push out",
      },
      {
        rule: "!has(self.webhook) || self.allowedAddresses.size() > 0 || self.webhook.url.matches('^https://[^/?#:]+(:443)?([/?#].*)?$')",
        message:
          "push.webhook.url is not https on port 443, which alone is used on the internet. Begin it with https:// and leave the port out, or name the addresses inside that it leads to in push.allowedAddresses",
      },
    ),
  },
);
