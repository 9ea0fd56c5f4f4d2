import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";
import { UserError } from "@jichat/testkit/say.ts";
import type { Builder } from "./builder.ts";
import { EPOCH } from "./builder.ts";
import { needDebian } from "./debian.ts";

/** The libraries that Node links with, and the CAs that TLS trusts. No shell, no package manager. */
const PACKAGES = ["base-files", "libc6", "libstdc++6", "libgcc-s1", "ca-certificates", "tzdata", "netbase"];
const SUITE = "trixie";
const TAG = `localhost/jichat-base:${SUITE}-node-${process.versions.node}`;

/**
 * Assembles the root of a Debian system from packages. They are only unpacked, unless `variant` says
 * otherwise.
 */
export async function debianRoot(
  suite: string,
  variant: "extract" | "minbase",
  packages: readonly string[],
  tar: string,
): Promise<void> {
  await needDebian({ mmdebstrap: "mmdebstrap" }, "put mmdebstrap on PATH");
  const args = [`--variant=${variant}`, `--include=${packages.join(",")}`, suite, tar];
  const { code, stderr } = await exec("mmdebstrap", args, {
    env: { ...process.env, SOURCE_DATE_EPOCH: EPOCH },
  });
  if (code !== 0)
    throw new UserError(
      `a Debian root could not be made:\n${stderr.trim().split("\n").slice(-5).join("\n")}`,
    );
}

const DOCKERFILE = [
  "FROM scratch",
  "ADD root.tar /",
  "COPY node /usr/local/bin/node",
  "COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
  "ENV PATH=/usr/local/bin:/usr/bin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
  "",
].join("\n");

/**
 * The base image for a machine that cannot pull images: Debian 13's libraries and the Node that runs this.
 */
export async function localBase(builder: Builder): Promise<string> {
  if (await builder.has(TAG)) return TAG;
  const folder = await cached(`base-${SUITE}`, "the images' base (Debian packages)", async (into) => {
    const tar = join(into, "root.tar");
    await debianRoot(SUITE, "extract", PACKAGES, tar);
    const { code, stdout } = await exec("tar", [
      "--extract",
      "--to-stdout",
      "--file",
      tar,
      "--wildcards",
      "./usr/share/ca-certificates/mozilla/*.crt",
    ]);
    if (code !== 0)
      throw new UserError("the base has no certificates: check Debian's package ca-certificates");
    writeFileSync(join(into, "ca-certificates.crt"), stdout);
  });
  const context = join(folder, `node-${process.versions.node}`);
  mkdirSync(context, { recursive: true });
  for (const name of ["root.tar", "ca-certificates.crt"])
    copyFileSync(join(folder, name), join(context, name));
  copyFileSync(process.execPath, join(context, "node"));
  const dockerfile = join(context, "Dockerfile");
  writeFileSync(dockerfile, DOCKERFILE);
  await builder.build({ dockerfile, target: "0", context, tag: TAG, args: {} });
  return TAG;
}
