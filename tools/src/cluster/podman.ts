import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheRoot } from "@jichat/testkit/cache.ts";
import { which } from "@jichat/testkit/exec.ts";
import { needDebian } from "../images/debian.ts";
import { UserError } from "@jichat/testkit/say.ts";

/** Debian installs these two programs where podman looks for its helpers. */
const HELPERS = "/usr/lib/podman";

const ENGINE = (home: string): string => `[engine]
runtime = "runc" # crun refuses a cgroup v1 layout
cgroup_manager = "cgroupfs"
events_logger = "file"
helper_binaries_dir = ["${HELPERS}"]
static_dir = "${home}/static"
tmp_dir = "${home}/tmp"
volume_path = "${home}/volumes"
[containers]
log_driver = "k8s-file" # kind reads the node's log
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"] # where they may not be raised
[network]
network_backend = "netavark"
network_config_dir = "${home}/networks"
`;

const STORAGE = (home: string): string => `[storage]
driver = "overlay"
graphroot = "${home}/graph"
runroot = "${home}/run"
`;

/** kind mounts the host's /lib/modules into a node, but a machine may not have that folder. */
const SHIM = (home: string, podman: string): string => `#!/bin/bash
a=()
for x in "$@"; do
  if [ "$x" = /lib/modules:/lib/modules:ro ] && [ ! -d /lib/modules ]; then x=${home}/empty:/lib/modules:ro; fi
  a+=("$x")
done
exec ${podman} "\${a[@]}"
`;

/**
 * A separate podman: its configuration, images, volumes and networks are below the tool cache, and the user's
 * own podman does not see them. Returns the environment that makes podman, buildah and kind use it.
 */
export async function needPodman(): Promise<Readonly<Record<string, string>>> {
  if (process.getuid?.() !== 0)
    throw new UserError(
      "a test cluster without Docker needs root: nodes make cgroups and network namespaces",
    );
  await needDebian(
    {
      podman: "podman",
      runc: "runc",
      [`${HELPERS}/netavark`]: "netavark",
      [`${HELPERS}/aardvark-dns`]: "aardvark-dns",
      ip: "iproute2",
      iptables: "iptables",
      nsenter: "util-linux",
    },
    "start a Docker engine, or install podman with netavark and runc",
  );
  const podman = which("podman") ?? "podman";
  const home = join(cacheRoot(), "podman");
  const bin = join(home, "bin");
  for (const folder of ["bin", "empty", "networks"]) mkdirSync(join(home, folder), { recursive: true });
  const write = (name: string, text: string): string => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  chmodSync(write("bin/podman", SHIM(home, podman)), 0o755);
  return {
    CONTAINERS_CONF: write("containers.conf", ENGINE(home)),
    CONTAINERS_STORAGE_CONF: write("storage.conf", STORAGE(home)),
    KIND_EXPERIMENTAL_PROVIDER: "podman",
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
  };
}
