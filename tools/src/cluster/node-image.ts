import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT, cached } from "@jichat/testkit/cache.ts";
import { exec } from "@jichat/testkit/exec.ts";
import { debianRoot } from "../images/node-root.ts";
import type { Builder } from "../images/builder.ts";
import type { KubernetesProgram } from "@jichat/testkit/kubernetes.ts";
import { KUBERNETES, needProgram } from "@jichat/testkit/kubernetes.ts";
import { UserError, during } from "@jichat/testkit/say.ts";
import { debs } from "@jichat/testkit/needs.ts";

/** Part of the image's tag. Raise it by hand when anything below or in `tools/cluster/node` changes. */
const REVISION = 1;
const NODE_IMAGE = `localhost/jichat-kind-node:v${KUBERNETES}-${REVISION}`;

/** Has systemd 252: later versions refuse the cgroup v1 that some machines still use. */
const SUITE = "bookworm";
const PACKAGES =
  "systemd,systemd-sysv,dbus,containerd,runc,containernetworking-plugins,iptables,nftables,iproute2,kmod,procps,util-linux,mount,ca-certificates,conntrack,ethtool,socat,ebtables,tar,curl,jq";

const link = (target: string, path: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
};

const put = (from: string, to: string): void => {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { dereference: true });
  chmodSync(to, 0o755);
};

/** An image with one folder and one command. */
interface Small {
  readonly tag: string;
  readonly command: readonly string[];
  fill(root: string): Promise<void>;
}

const goProgram = (tag: string, name: KubernetesProgram, path = `/usr/local/bin/${name}`): Small => ({
  tag,
  command: [path],
  fill: async (root) => {
    put(await needProgram(name), join(root, path));
  },
});

/** busybox, linked under each of its names. */
async function busybox(root: string): Promise<void> {
  const folder = await debs("busybox-static", ["busybox-static"], "put busybox on PATH");
  const binary = join(folder, "root/bin/busybox");
  put(binary, join(root, "bin/busybox"));
  const { stdout } = await exec(binary, ["--list"]);
  for (const name of stdout.trim().split("\n"))
    if (name !== "busybox") link("busybox", join(root, "bin", name));
}

/** kube-proxy calls iptables by these names. On Debian, its installer links them. */
async function proxyRoot(root: string, work: string): Promise<void> {
  const tar = join(work, "proxy.tar");
  await debianRoot(SUITE, "extract", ["libc6", "iptables", "nftables", "conntrack", "kmod"], tar);
  await exec("tar", ["-x", "-C", root, "-f", tar, "--exclude=./dev/*"]);
  rmSync(tar);
  for (const family of ["iptables", "ip6tables"])
    for (const end of ["", "-save", "-restore"]) {
      rmSync(join(root, "usr/sbin", family + end), { force: true });
      link("xtables-nft-multi", join(root, "usr/sbin", family + end));
    }
  put(await needProgram("kube-proxy"), join(root, "usr/local/bin/kube-proxy"));
}

/** The image names that kubeadm wants, from its own default registry. */
async function wantedImages(): Promise<(name: string) => string> {
  const args = ["config", "images", "list", "--kubernetes-version", `v${KUBERNETES}`];
  const { stdout } = await exec(await needProgram("kubeadm"), args);
  const images = stdout.trim().split("\n");
  return (name) => {
    const found = images.find((image) => image.includes(`/${name}:`));
    if (found === undefined) throw new UserError(`kubeadm lists no image ${name}: ${images.join(" ")}`);
    return found;
  };
}

async function smallImages(work: string): Promise<readonly Small[]> {
  const wanted = await wantedImages();
  const routes = join(ROOT, "tools/cluster/node/kind/routes.sh");
  return [
    goProgram(wanted("kube-apiserver"), "kube-apiserver"),
    goProgram(wanted("kube-controller-manager"), "kube-controller-manager"),
    goProgram(wanted("kube-scheduler"), "kube-scheduler"),
    goProgram(wanted("etcd"), "etcd"),
    goProgram(wanted("coredns"), "coredns", "/coredns"),
    goProgram("localhost/local-path-provisioner:1", "local-path-provisioner"),
    {
      tag: wanted("kube-proxy"),
      command: ["/usr/local/bin/kube-proxy"],
      fill: async (root) => proxyRoot(root, work),
    },
    // It only holds a pod's namespaces open until SIGKILL, so any waiting program will do.
    { tag: wanted("pause"), command: ["/bin/busybox", "tail", "-f", "/dev/null"], fill: busybox },
    { tag: "localhost/busybox:1", command: ["/bin/sh"], fill: busybox },
    {
      tag: "localhost/podroutes:1",
      command: ["/routes.sh"],
      fill: async (root) => {
        await busybox(root);
        put(await needProgram("kubectl"), join(root, "bin/kubectl"));
        put(routes, join(root, "routes.sh"));
      },
    },
  ];
}

async function archive(builder: Builder, small: Small, work: string, file: string): Promise<void> {
  const context = join(work, "image");
  const root = join(context, "root");
  rmSync(context, { recursive: true, force: true });
  for (const folder of ["tmp", "etc", "run", "proc", "sys", "dev", "var"])
    mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  await small.fill(root);
  const dockerfile = join(context, "Dockerfile");
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  writeFileSync(
    dockerfile,
    `FROM scratch\nCOPY root /\nENV PATH=${path}\nENTRYPOINT ${JSON.stringify(small.command)}\n`,
  );
  await builder.build({ dockerfile, target: "0", context, tag: small.tag, args: {} });
  await builder.save([small.tag], file);
}

/** Builds the node image from packages. The first build takes minutes, most of them for Kubernetes itself. */
export async function buildNodeImage(builder: Builder): Promise<string> {
  if (await builder.has(NODE_IMAGE)) return NODE_IMAGE;
  const base = await cached(`kind-node-root-${SUITE}`, "a node's root (Debian packages)", async (into) =>
    debianRoot(SUITE, "minbase", PACKAGES.split(","), join(into, "root.tar")),
  );
  const work = join(ROOT, ".data/node-image");
  rmSync(work, { recursive: true, force: true });
  const context = join(work, "context");
  mkdirSync(join(context, "archives"), { recursive: true });
  const wanted = await wantedImages();
  for (const [at, small] of (await smallImages(work)).entries())
    await during(
      `packing ${small.tag.split("/").at(-1)}`,
      archive(builder, small, work, join(context, "archives", `${at}.tar`)),
    );
  const source = join(ROOT, "tools/cluster/node");
  cpSync(source, join(context, "files"), { recursive: true, filter: (name) => !name.endsWith("Dockerfile") });
  for (const name of ["kubeadm", "kubelet", "kubectl"] as const)
    put(await needProgram(name), join(context, "bin", name));
  cpSync(join(base, "root.tar"), join(context, "root.tar"));
  await during(
    "building the node image",
    builder.build({
      dockerfile: join(source, "Dockerfile"),
      target: "0",
      context,
      tag: NODE_IMAGE,
      args: { VERSION: KUBERNETES, PAUSE_IMAGE: wanted("pause") },
    }),
  );
  rmSync(work, { recursive: true, force: true });
  return NODE_IMAGE;
}
