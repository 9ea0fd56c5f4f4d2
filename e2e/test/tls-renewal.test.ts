import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { TLSSocket } from "node:tls";
import { connect, getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import type { Pair } from "../src/certificate.ts";
import { makeCertificate } from "../src/certificate.ts";
import { Crowd } from "../src/crowd.ts";
import { Ledger } from "../src/ledger.ts";
import { metricOf } from "../src/metric.ts";
import { judgeCrowd, sleep, startStack } from "../src/scene.ts";
import { upgradeRequest } from "../src/upgrade-request.ts";

const RENEWALS = 3;
/** Files are looked at every five seconds. */
const TAKEN_WITHIN_MS = 10_000;
/** What cannot be used is told at the second look. */
const REFUSED_WITHIN_MS = 15_000;
const HANDSHAKES_AT_ONCE = 4;

/** A Secret's volume, as a kubelet keeps it: files behind a link that is put in the place of another. */
class Volume {
  readonly folder = mkdtempSync(join(tmpdir(), "jichat-renewal-"));
  #versions = 0;

  put(files: Readonly<Record<string, string>>): void {
    this.#versions += 1;
    const made = join(this.folder, `..v${this.#versions}`);
    mkdirSync(made);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
    symlinkSync(made, join(this.folder, "..data.next"));
    renameSync(join(this.folder, "..data.next"), join(this.folder, "..data"));
    // The kubelet takes the folder of before away.
    rmSync(join(this.folder, `..v${this.#versions - 1}`), { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, "..data", name);
  }
}

const filesOf = ({ cert, key }: Pair): Record<string, string> => ({ "tls.crt": cert, "tls.key": key });

async function startWith(t: TestContext, first: Pair): Promise<{ stack: Stack; volume: Volume; url: URL }> {
  const volume = new Volume();
  volume.put(filesOf(first));
  t.after(() => {
    rmSync(volume.folder, { recursive: true });
  });
  const connector = { TLS_CERT_FILE: volume.path("tls.crt"), TLS_KEY_FILE: volume.path("tls.key") };
  const stack = await startStack(t, { routers: 1, connectors: 1, env: { connector } });
  return { stack, volume, url: new URL((stack.wsUrls[0] ?? "").replace("ws:", "wss:")) };
}

/** A handshake, a request and its answer: the certificate that was shown. Rejects where any of it fails. */
async function visit(url: URL, ca: readonly string[]): Promise<string> {
  const socket: TLSSocket = connect({ host: url.hostname, port: Number(url.port), ca: [...ca] });
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.once("error", reject);
      socket.once("close", () => {
        reject(new Error("closed without an answer"));
      });
      socket.once("secureConnect", () => {
        socket.write(upgradeRequest(url));
      });
      socket.once("data", (chunk: Buffer) => {
        if (!chunk.toString("latin1").startsWith("HTTP/1.1 101")) reject(new Error(chunk.toString("latin1")));
        else resolve(socket.getPeerCertificate().fingerprint256);
      });
    });
  } finally {
    socket.destroy();
  }
}

const closesOf = async (part: Part | undefined, code: number): Promise<number> => {
  const count = await metricOf(part, "jichat_connector_closes", `code="${code}"`);
  return Number.isNaN(count) ? 0 : count;
};

test(
  "renewed certificates are used during talk without a closed socket or a failed handshake",
  { timeout: 170_000 },
  async (t) => {
    const pairs = await Promise.all(Array.from({ length: RENEWALS + 1 }, async () => makeCertificate()));
    const ca = pairs.map(({ cert }) => cert);
    const trusted = getCACertificates();
    setDefaultCACertificates([...trusted, ...ca]);
    t.after(() => {
      setDefaultCACertificates(trusted);
    });
    const [first, ...renewed] = pairs;
    const { stack, volume, url } = await startWith(t, first ?? assert.fail());
    const [connector] = stack.connectors;
    const ledger = new Ledger();
    const venue = { wsUrls: [url.href], secrets: stack.secrets };
    const crowd = new Crowd(venue, ledger, { pairs: 5, groups: 1, groupSize: 5, rate: 2 });
    t.after(() => {
      crowd.leave();
    });
    await crowd.arrive();
    const sockets = await metricOf(connector, "jichat_connector_sockets");
    assert.equal(sockets, 20);

    const over = new AbortController();
    const seen = new Map<string, number>();
    const failed: string[] = [];
    const visiting = Array.from({ length: HANDSHAKES_AT_ONCE }, async () => {
      while (!over.signal.aborted)
        try {
          const shown = await visit(url, ca);
          seen.set(shown, (seen.get(shown) ?? 0) + 1);
        } catch (error) {
          failed.push(String(error));
        }
    });
    const act = async (): Promise<void> => {
      await sleep(2_000);
      for (const pair of renewed) {
        volume.put(filesOf(pair));
        const began = performance.now();
        await until(
          "a handshake shows it",
          TAKEN_WITHIN_MS,
          async () => (seen.get(pair.fingerprint) ?? 0) > 0,
        );
        t.diagnostic(`shown after ${(performance.now() - began).toFixed(0)} ms`);
        // From then on nobody sees the one before.
        const ones = await Promise.all(Array.from({ length: 5 }, async () => visit(url, ca)));
        assert.deepEqual([...new Set(ones)], [pair.fingerprint]);
      }
      await sleep(2_000);
    };
    const acting = act();
    await crowd.talkUntil(acting);
    over.abort();
    await acting;
    await Promise.all(visiting);
    const total = [...seen.values()].reduce((sum, count) => sum + count, 0);
    t.diagnostic(`${total} handshakes beside the talk, ${failed.length} failed`);
    assert.ok(total > 200);
    assert.deepEqual(failed, []);
    assert.deepEqual([...seen.keys()].sort(), pairs.map(({ fingerprint }) => fingerprint).sort());
    await until(
      "the crowd's sockets are there, and no other",
      10_000,
      async () => (await metricOf(connector, "jichat_connector_sockets")) === sockets,
    );
    for (const code of [1001, 1012, 4408]) assert.equal(await closesOf(connector, code), 0, String(code));
    assert.equal(await metricOf(connector, "jichat_files_taken", 'what="certificate"'), RENEWALS);
    await judgeCrowd(t, { crowd, ledger });
  },
);

test(
  "an unusable renewed certificate is reported and counted, and the earlier one is used until the repair",
  { timeout: 170_000 },
  async (t) => {
    const [first, second, other] = await Promise.all([
      makeCertificate(),
      makeCertificate(),
      makeCertificate(),
    ]);
    const over = await makeCertificate({ notAfterDate: new Date(Date.now() - 60_000) });
    const ca = [first, second, over].map(({ cert }) => cert);
    const { stack, volume, url } = await startWith(t, first);
    const [connector] = stack.connectors;
    const left = await metricOf(connector, "jichat_connector_certificate_expires_seconds");
    assert.ok(left > 86_400, `${left} s are left`);
    const broken: Readonly<Record<string, readonly [Record<string, string>, RegExp]>> = {
      "of another key": [{ "tls.crt": second.cert, "tls.key": other.key }, /mismatch/],
      "half written": [{ "tls.crt": second.cert.slice(0, 300), "tls.key": second.key }, /PEM|asn1|end/i],
      empty: [{ "tls.crt": "", "tls.key": "" }, /PEM|start line|no /i],
      "without its key": [{ "tls.crt": second.cert }, /ENOENT/],
      over: [filesOf(over), /the certificate expired at/],
    };
    for (const [what, [files, why]] of Object.entries(broken)) {
      volume.put(files);
      await until(
        `${what}: it is told`,
        REFUSED_WITHIN_MS,
        async () =>
          (await metricOf(connector, "jichat_files_refused")) === 1 && why.test(connector?.logEnd(1) ?? ""),
      );
      assert.equal(await visit(url, ca), first.fingerprint, what);
    }
    volume.put(filesOf(second));
    await until(
      "the mended one is shown",
      TAKEN_WITHIN_MS,
      async () => (await visit(url, ca)) === second.fingerprint,
    );
    assert.equal(await metricOf(connector, "jichat_files_refused"), 0);
  },
);
