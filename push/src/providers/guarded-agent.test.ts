import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { generate } from "selfsigned";
import { FaultPlan } from "@jichat/testkit/push/fault-plan.ts";
import { LoopbackServer } from "@jichat/testkit/push/loopback-server.ts";
import { post } from "./post.ts";
import { AddressRefused, guardedAgent } from "./guarded-agent.ts";
import { readRanges } from "./public-address.ts";

const v4 = (address: string): LookupAddress => ({ address, family: 4 });
const never = new AbortController().signal;

interface Options {
  readonly allowed: readonly string[];
  /** What DNS answers, one after the other; the last one again and again. */
  readonly answers: readonly (readonly LookupAddress[])[];
  readonly ca?: string;
}

function agentFor(t: TestContext, { allowed, answers, ca }: Options) {
  const asked: string[] = [];
  const resolve = async (name: string): Promise<readonly LookupAddress[]> => {
    asked.push(name);
    return answers[Math.min(asked.length, answers.length) - 1] ?? [];
  };
  const agent = guardedAgent({ allowed: readRanges(allowed), resolve, ca });
  t.after(async () => agent.destroy());
  const status = async (url: string): Promise<number> =>
    (await post(agent, { url: new URL(url), headers: {}, body: "" }, never)).status;
  return { asked, status };
}

async function serverAt(t: TestContext, host: string, tls?: { readonly cert: string; readonly key: string }) {
  const faults = new FaultPlan();
  const paths: string[] = [];
  const answer = ({ path }: { readonly path: string }) => {
    paths.push(path);
    return { status: 204 };
  };
  const server = await LoopbackServer.start({ faults, answer, host, tls });
  t.after(async () => server.stop());
  return { port: new URL(server.url).port, paths, faults };
}

test("the connection goes to the address that was checked, whatever DNS says next", async (t) => {
  const { port, paths } = await serverAt(t, "127.0.0.2");
  const { status, asked } = agentFor(t, {
    allowed: ["127.0.0.2"],
    answers: [[v4("127.0.0.2")], [v4("127.0.0.3")]],
  });
  assert.equal(await status(`http://push.example:${port}/a`), 204);
  await sleep(20); // The connection is free for the next request a turn after the answer.
  assert.equal(await status(`http://push.example:${port}/b`), 204);
  assert.deepEqual([asked, paths], [["push.example"], ["/a", "/b"]]);
});

test("a name that comes to stand for another address is refused at the next connection", async (t) => {
  const { port } = await serverAt(t, "127.0.0.2");
  const { status, asked } = agentFor(t, {
    allowed: ["127.0.0.2"],
    answers: [[v4("127.0.0.2")], [v4("10.0.0.1")]],
  });
  assert.equal(await status(`http://push.example:${port}/`), 204);
  await assert.rejects(status(`http://push.example:${Number(port) ^ 1}/`), AddressRefused);
  assert.equal(asked.length, 2);
});

test("one address that is not public is enough to refuse a name", async (t) => {
  for (const answers of [
    [v4("127.0.0.1")],
    [v4("8.8.8.8"), v4("10.0.0.1")],
    [
      { address: "2606:4700::1111", family: 6 },
      { address: "fd00:ec2::254", family: 6 },
    ],
    [{ address: "::ffff:169.254.169.254", family: 6 }],
    [{ address: "64:ff9b::a00:1", family: 6 }],
    [],
  ]) {
    const { status } = agentFor(t, { allowed: [], answers: [answers] });
    await assert.rejects(status("https://push.example/"), AddressRefused);
  }
});

test("addresses that are written into the URL are checked too, in every form", async (t) => {
  const { status, asked } = agentFor(t, { allowed: ["192.168.7.0/24"], answers: [[v4("8.8.8.8")]] });
  const hosts = ["127.0.0.1", "127.1", "0x7f000001", "017700000001", "2130706433", "0", "169.254.169.254"];
  for (const host of [
    ...hosts,
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[fe80::1]",
    "[64:ff9b::7f00:1]",
  ])
    await assert.rejects(status(`https://${host}/`), AddressRefused, host);
  assert.deepEqual(asked, []);
});

test("plain HTTP and other ports are for allowed addresses alone", async (t) => {
  const { status } = agentFor(t, { allowed: ["127.0.0.9"], answers: [[v4("8.8.8.8")]] });
  const urls = [
    "http://push.example/",
    "https://push.example:8443/",
    "http://8.8.8.8/",
    "https://8.8.8.8:22/",
  ];
  for (const url of urls) await assert.rejects(status(url), AddressRefused, url);
  const mixed = agentFor(t, { allowed: ["127.0.0.9"], answers: [[v4("127.0.0.9"), v4("8.8.8.8")]] });
  await assert.rejects(mixed.status("http://push.example/"), AddressRefused);
});

test("a redirect is an answer, and is not followed", async (t) => {
  const inside = await serverAt(t, "127.0.0.1");
  const outside = await serverAt(t, "127.0.0.2");
  const location = `http://127.0.0.1:${inside.port}/secret`;
  outside.faults.always({ is: "answer", status: 307, headers: { location } });
  const { status } = agentFor(t, { allowed: ["127.0.0.0/8"], answers: [[v4("127.0.0.2")]] });
  assert.equal(await status(`http://push.example:${outside.port}/`), 307);
  assert.deepEqual(inside.paths, []);
});

test("over TLS the certificate is that of the name, not of the address", async (t) => {
  const made = await generate([{ name: "commonName", value: "push.example" }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "push.example" }] }],
  });
  const { port, paths } = await serverAt(t, "127.0.0.2", { cert: made.cert, key: made.private });
  const options = { allowed: ["127.0.0.2"], answers: [[v4("127.0.0.2")]], ca: made.cert };
  assert.equal(await agentFor(t, options).status(`https://push.example:${port}/a`), 204);
  const other = agentFor(t, options).status(`https://other.example:${port}/b`);
  await assert.rejects(other, { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  const { ca: _, ...strict } = options;
  await assert.rejects(agentFor(t, strict).status(`https://push.example:${port}/c`), { code: /SELF_SIGNED/ });
  assert.deepEqual(paths, ["/a"]);
});
