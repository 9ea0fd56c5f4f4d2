import { Type } from "typebox";
import { rules } from "./kinds.ts";

interface Limit {
  readonly variable: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly description: string;
}

const connections = (maximum: number, description: string): Limit => ({
  variable: "CONNECTIONS_PER_ADDRESS_MAX",
  minimum: 0,
  maximum,
  description,
});
const members: Limit = {
  variable: "MEMBERS_PER_SECOND",
  minimum: 1,
  maximum: 1_000_000,
  description: "people that one user puts into groups",
};

/**
 * The fields of `connectors.limits`, and the variables that they set. docs/configuration.md has the defaults.
 */
export const CONNECTOR_LIMITS = {
  socketsPerAddressMax: {
    variable: "SOCKETS_PER_ADDRESS_MAX",
    minimum: 1,
    maximum: 1_000_000,
    description: "sockets of one address at one connector",
  },
  connectionsPerAddressMax: connections(
    2_000_000,
    "TCP connections of one peer at one connector; 0: no limit",
  ),
  handshakesPerSecond: {
    variable: "HANDSHAKES_PER_SECOND",
    minimum: 1,
    maximum: 100_000,
    description: "new sockets of one address",
  },
  devicesPerUserMax: {
    variable: "DEVICES_PER_USER_MAX",
    minimum: 1,
    maximum: 1_000_000,
    description: "live devices of one user",
  },
  messagesPerSecond: {
    variable: "MESSAGES_PER_SECOND",
    minimum: 1,
    maximum: 100_000,
    description: "messages of one user",
  },
  bytesPerSecond: {
    variable: "BYTES_PER_SECOND",
    minimum: 16_384,
    maximum: 1_073_741_824,
    description: "bytes of one user",
  },
  framesPerSecond: {
    variable: "FRAMES_PER_SECOND",
    minimum: 1,
    maximum: 100_000_000,
    description: "frames of one socket",
  },
  membersPerSecond: members,
  bodyBytesMax: {
    variable: "BODY_BYTES_MAX",
    minimum: 256,
    maximum: 8_192,
    description: "bytes of one message's body",
  },
  bufferedBytesMax: {
    variable: "BUFFERED_BYTES_MAX",
    minimum: 524_288,
    maximum: 16_777_216,
    description: "unread bytes of one socket",
  },
} as const satisfies Record<string, Limit>;

/** The fields of `api.limits`. */
export const API_LIMITS = {
  connectionsPerAddressMax: connections(2_000_000, "TCP connections of one peer at one pod; 0: no limit"),
  signInsPerSecond: {
    variable: "SIGN_INS_PER_SECOND",
    minimum: 1,
    maximum: 10_000,
    description: "sign-ins and sign-ups of one address",
  },
  requestsPerSecond: {
    variable: "REQUESTS_PER_SECOND",
    minimum: 1,
    maximum: 100_000,
    description: "requests of one user",
  },
  membersPerSecond: members,
} as const satisfies Record<string, Limit>;

type Limits<T> = { readonly [K in keyof T]?: number };

const fields = <T extends Record<string, Limit>>(limits: T) =>
  Object.fromEntries(
    Object.entries(limits).map(([name, { minimum, maximum, description }]) => [
      name,
      Type.Optional(Type.Integer({ minimum, maximum, description })),
    ]),
  );

const DESCRIPTION =
  "limits of one user, one socket or one address; the defaults are those of docs/configuration.md";

export const connectorLimits = Type.Unsafe<Limits<typeof CONNECTOR_LIMITS>>(
  Type.Object(fields(CONNECTOR_LIMITS), {
    description: DESCRIPTION,
    ...rules({
      rule: "!has(self.socketsPerAddressMax) || !has(self.connectionsPerAddressMax) || self.connectionsPerAddressMax == 0 || self.connectionsPerAddressMax >= self.socketsPerAddressMax",
      message:
        "connectors.limits.connectionsPerAddressMax is below socketsPerAddressMax: every socket is a connection. Raise it, set it to 0 (no limit), or leave it out",
    }),
  }),
);
export const apiLimits = Type.Unsafe<Limits<typeof API_LIMITS>>(
  Type.Object(fields(API_LIMITS), { description: DESCRIPTION }),
);

/** The environment variables for the limits that are set. */
export const limitVariables = (
  table: Readonly<Record<string, Limit>>,
  limits: Readonly<Record<string, number | undefined>> | undefined,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(table).flatMap(([name, { variable }]) => {
      const value = limits?.[name];
      return value === undefined ? [] : [[variable, String(value)]];
    }),
  );

const HOPS_MAX = 16;
const ADDRESS = String.raw`([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(/[0-9]{1,3})?`;

/**
 * The proxies whose X-Forwarded-For is trusted. The words are in quotes, since YAML would read them as
 * booleans.
 */
export const trustProxy = (whereNotSaid: string) =>
  Type.Unsafe<string | number>({
    "x-kubernetes-int-or-string": true,
    maxLength: 1_024,
    pattern: `^(yes|no|${ADDRESS}( *, *${ADDRESS})*)$`,
    description: `whose X-Forwarded-For is believed: \`"no"\`, \`"yes"\` (one proxy), a number of proxies in a row, or their addresses and CIDRs with commas between; ${whereNotSaid}`,
    ...rules({
      rule: `type(self) != int || (self >= 0 && self <= ${HOPS_MAX})`,
      message: `trustProxy is a number of proxies from 0 to ${HOPS_MAX}, "yes", "no", or their addresses and CIDRs with commas between`,
    }),
  });
