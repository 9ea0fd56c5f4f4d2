import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Tickets } from "@jichat/identity/tickets.ts";
import { loadKeys } from "@jichat/identity/token-keys.ts";
import { Tokens } from "@jichat/identity/tokens.ts";
import { isId } from "@jichat/protocol/id-forms.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import { SYNTHETIC_PERSON } from "@jichat/protocol/synthetic.ts";
import { KEYS, inputOf } from "../../test/input.ts";
import { publicOf } from "../desired/keys.ts";
import { PORTS } from "../desired/names.ts";
import { flowsOf } from "../desired/network.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { PARTITIONS_MAX, strangersOf } from "./partitions.ts";
import { shown, wayOf } from "./way.ts";

const NOW = 1_800_000_000_000;
const nothingRevoked = { refuse: () => undefined };
const clock = { now: () => NOW, monotonic: () => 0, sleep: async () => undefined };

const folder = mkdtempSync(join(tmpdir(), "jichat-way-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** Whom a connector of this ChatCluster takes the operator for. */
async function takenFor(input: DesiredInput, jwks: { keys: object[] }): Promise<string> {
  const [credential] = wayOf(input).credentials;
  assert.ok(credential !== undefined);
  const told = await shown(credential, "synthetic-a", NOW);
  const { algorithm, issuer, audience } = input.cluster.spec.auth;
  if ("ticket" in told)
    return new Tickets([KEYS.clusterKey], 1_000).verify(told.ticket, "synthetic-a", NOW).user;
  const keys = join(folder, "jwks.json");
  writeFileSync(keys, JSON.stringify(jwks));
  const config = { keys, algorithm, issuer, audience };
  return (await new Tokens(config, loadKeys(keys).keys, nothingRevoked, clock).verify(told.token)).user;
}

test("the operator signs in with a token of its own or of a given signing key, or else with a ticket", async () => {
  assert.equal(await takenFor(inputOf(), { keys: [publicOf(KEYS.signingKey)] }), SYNTHETIC_PERSON);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), alg: "ES256", kid: "1" }] };
  const signingKey = JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid: "1" });
  const auth = { algorithm: "ES256", issuer: "them", audience: "us", secret: "keys" };
  const theirs = inputOf({ auth }, { tokenKeys: { jwks: JSON.stringify(jwks), signingKey } });
  assert.equal(await takenFor(theirs, jwks), SYNTHETIC_PERSON);
  const withoutKey = { tokenKeys: { jwks: JSON.stringify(jwks), signingKey: undefined } };
  for (const input of [
    inputOf({ auth }, withoutKey),
    inputOf({ auth: { jwksUrl: "https://them.example/keys" } }),
  ]) {
    assert.deepEqual(wayOf(input).credentials, [{ clusterKey: KEYS.clusterKey }]);
    assert.equal(await takenFor(input, { keys: [] }), SYNTHETIC_PERSON);
  }
});

test("connectors accept the operator from any namespace", () => {
  const flows = flowsOf(inputOf({ connectors: { service: { port: 443 } } }).cluster);
  assert.ok(flows.some(({ from, to, port }) => from === "anyone" && to === "connector" && port === PORTS.ws));
});

test("a talk goes through the Service, over TLS if connectors use it", () => {
  assert.equal(wayOf(inputOf()).url, "ws://chat-connector.people.svc/v1/ws");
  const other = inputOf({ connectors: { service: { port: 8_081 } } });
  assert.equal(wayOf(other).url, "ws://chat-connector.people.svc:8081/v1/ws");
  assert.deepEqual(wayOf(inputOf()).trust, []);
});

test("each partition has an id of a missing conversation that a frame may name", () => {
  for (const partitions of [1, 16, PARTITIONS_MAX, 256]) {
    const names = strangersOf(partitions);
    assert.deepEqual(
      names.map((name) => partitionOf(name, partitions)),
      Array.from({ length: partitions }, (_, partition) => partition),
    );
    assert.ok(names.every((name) => isId(name) && !/^[gd]_/.test(name)));
  }
  assert.ok(isId(SYNTHETIC_PERSON));
});
