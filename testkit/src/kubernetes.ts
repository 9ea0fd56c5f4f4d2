import { join } from "node:path";
import { ROOT, cached } from "./cache.ts";
import { exec, which } from "./exec.ts";
import { UserError } from "./say.ts";

interface GoProgram {
  /** The folder below `tools/kubernetes` whose go.mod and go.sum define the build. */
  readonly module: string;
  readonly package: string;
  readonly version: string;
  /** Build-time variables, set as the program's own makefile sets them. */
  readonly ldflags?: string;
}

export const KUBERNETES = "1.34.2";
const [MAJOR = "", MINOR = ""] = KUBERNETES.split(".");
const stamp = (name: string, value: string): string => `-X k8s.io/component-base/version.${name}=${value}`;
const ofKubernetes = (name: string): GoProgram => ({
  module: "kubernetes",
  package: `k8s.io/kubernetes/cmd/${name}`,
  version: KUBERNETES,
  ldflags: [
    stamp("gitVersion", `v${KUBERNETES}`),
    stamp("gitMajor", MAJOR),
    stamp("gitMinor", MINOR),
    stamp("gitTreeState", "clean"),
  ].join(" "),
});

/** Programs that are available only as Go modules. Each is built once and cached by its version. */
const PROGRAMS = {
  "kube-apiserver": ofKubernetes("kube-apiserver"),
  "kube-controller-manager": ofKubernetes("kube-controller-manager"),
  "kube-proxy": ofKubernetes("kube-proxy"),
  "kube-scheduler": ofKubernetes("kube-scheduler"),
  kubeadm: ofKubernetes("kubeadm"),
  kubectl: ofKubernetes("kubectl"),
  kubelet: ofKubernetes("kubelet"),
  etcd: { module: "etcd", package: "go.etcd.io/etcd/server/v3", version: "3.6.5" },
  helm: {
    module: "helm",
    package: "helm.sh/helm/v3/cmd/helm",
    version: "3.19.2",
    ldflags: "-X helm.sh/helm/v3/internal/version.version=v3.19.2",
  },
  kind: { module: "kind", package: "sigs.k8s.io/kind", version: "0.33.0" },
  coredns: { module: "coredns", package: "github.com/coredns/coredns", version: "1.12.1" },
  "local-path-provisioner": {
    module: "local-path-provisioner",
    package: "github.com/rancher/local-path-provisioner",
    version: "0.0.30",
  },
} as const satisfies Record<string, GoProgram>;

export type KubernetesProgram = keyof typeof PROGRAMS;

/**
 * The path of the program. The first call builds it from its Go module, which takes minutes for the API
 * server; later calls take seconds.
 */
export async function needProgram(name: KubernetesProgram): Promise<string> {
  const { module, package: path, version, ldflags = "" }: GoProgram = PROGRAMS[name];
  const folder = await cached(
    `${name}-${version}`,
    `${name} ${version}, built from its Go module`,
    async (into) => {
      const go = which("go");
      if (go === undefined)
        throw new UserError(
          `${name} is built from its Go module, and go is missing: install Go 1.25 or newer (go.dev/dl)`,
        );
      const args = ["build", "-trimpath", `-ldflags=-s -w ${ldflags}`, "-o", join(into, name), path];
      const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly" };
      // Tests may run beside it.
      const { code, stderr } = await exec("nice", ["-n", "19", go, ...args], {
        cwd: join(ROOT, "tools/kubernetes", module),
        env,
      });
      if (code !== 0)
        throw new UserError(
          `${name} could not be built; is the Go module proxy reachable?\n${stderr.trim().split("\n").slice(-5).join("\n")}`,
        );
    },
  );
  return join(folder, name);
}
