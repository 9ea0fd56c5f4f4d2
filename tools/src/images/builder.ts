import { exec, which } from "@jichat/testkit/exec.ts";
import { UserError } from "@jichat/testkit/say.ts";
import { needDebian } from "./debian.ts";

export interface Build {
  readonly dockerfile: string;
  readonly target: string;
  readonly context: string;
  readonly tag: string;
  readonly args: Readonly<Record<string, string>>;
}

/** A program that builds images. */
export interface Builder {
  readonly name: "docker" | "buildah";
  build(image: Build): Promise<void>;
  /** Writes all images to one archive, for `kind load image-archive`, `docker load` and `podman load`. */
  save(tags: readonly string[], file: string): Promise<void>;
  /** Pushes to the registry in the tag, with the login that the builder has for it. */
  push(tag: string): Promise<void>;
  has(tag: string): Promise<boolean>;
  /** Gives an existing image another name. */
  tag(image: string, name: string): Promise<void>;
}

/**
 * The timestamp of every file in an image, so that the same input gives the same digest
 * (reproducible-builds.org, SOURCE_DATE_EPOCH).
 */
export const EPOCH = "1700000000";

type Env = Readonly<Record<string, string>>;

async function must(program: string, args: readonly string[], what: string, env: Env = {}): Promise<void> {
  const result = await exec(program, args, { env: { ...process.env, SOURCE_DATE_EPOCH: EPOCH, ...env } });
  if (result.code === 0) return;
  const told = (result.stderr || result.stdout).trim().split("\n").slice(-8).join("\n");
  throw new UserError(`${what} failed:\n${told}`);
}

const argsOf = ({ args, target, dockerfile }: Build): string[] => [
  ...Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
  `--target=${target}`,
  `--file=${dockerfile}`,
];

const docker: Builder = {
  name: "docker",
  async build(image) {
    const args = ["buildx", "build", ...argsOf(image), `--build-arg=SOURCE_DATE_EPOCH=${EPOCH}`];
    const output = `--output=type=docker,name=${image.tag},rewrite-timestamp=true`;
    await must("docker", [...args, "--provenance=false", output, image.context], `building ${image.tag}`);
  },
  async save(tags, file) {
    await must("docker", ["save", "--output", file, ...tags], `saving ${tags.join(" ")}`);
  },
  async push(tag) {
    await must("docker", ["push", "--quiet", tag], `pushing ${tag}`);
  },
  has: async (tag) => (await exec("docker", ["image", "inspect", tag], { env: process.env })).code === 0,
  async tag(image, name) {
    await must("docker", ["tag", image, name], `naming ${name}`);
  },
};

const buildah = (env: Env): Builder => ({
  name: "buildah",
  async build(image) {
    // With chroot isolation, the build needs no right to create namespaces.
    const args = ["build", "--isolation=chroot", "--layers=false", "--format=oci", `--timestamp=${EPOCH}`];
    const all = [...args, ...argsOf(image), `--tag=${image.tag}`, image.context];
    await must("buildah", all, `building ${image.tag}`, env);
  },
  async save(tags, file) {
    const save = ["save", "--quiet", "--multi-image-archive", "--format=docker-archive", "--output", file];
    await must("podman", [...save, ...tags], `saving ${tags.join(" ")}`, env);
  },
  async push(tag) {
    await must("buildah", ["push", "--quiet", tag], `pushing ${tag}`, env);
  },
  has: async (tag) =>
    (await exec("buildah", ["inspect", "--type=image", tag], { env: { ...process.env, ...env } })).code === 0,
  async tag(image, name) {
    await must("buildah", ["tag", image, name], `naming ${name}`, env);
  },
});

/** Whether a Docker engine answers. */
export const hasDocker = async (): Promise<boolean> =>
  which("docker") !== undefined && (await exec("docker", ["info"], { env: process.env })).code === 0;

/** docker if its engine answers; otherwise buildah with `env`, which is installed if that is allowed. */
export async function needBuilder(env: Env = {}): Promise<Builder> {
  if (await hasDocker()) return docker;
  await needDebian(
    { buildah: "buildah", podman: "podman" },
    "start a Docker engine, or put buildah and podman on PATH",
  );
  return buildah(env);
}
