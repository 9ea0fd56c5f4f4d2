#!/bin/sh
# Runs once, while the image is built: what a machine's systemd starts and a node must not, and the images that pods of a fresh cluster need.
set -eu
echo "v$VERSION" >/kind/version
sed -i "s|PAUSE_IMAGE|$PAUSE_IMAGE|" /etc/containerd/config.toml
mkdir -p /opt/cni /etc/kubernetes/manifests /etc/systemd/system/multi-user.target.wants /etc/systemd/journald.conf.d
ln -sfn /usr/lib/cni /opt/cni/bin
ln -sf /lib/systemd/systemd /sbin/init
chmod 755 /usr/local/bin/entrypoint /usr/bin/kubeadm /usr/bin/kubelet /usr/bin/kubectl
printf '[Journal]\nReadKMsg=no\nAudit=no\nStorage=volatile\n' >/etc/systemd/journald.conf.d/node.conf
rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* \
  /lib/systemd/system/local-fs.target.wants/* /lib/systemd/system/sockets.target.wants/*udev* \
  /lib/systemd/system/sockets.target.wants/*initctl* /lib/systemd/system/basic.target.wants/*
while read -r unit; do ln -sf /dev/null "/etc/systemd/system/$unit"; done </kind/masked-units
for unit in containerd kubelet; do
  ln -sf "/etc/systemd/system/$unit.service" "/etc/systemd/system/multi-user.target.wants/$unit.service"
done

# Kept packed: the first pod that uses one unpacks it, on the node's own volume.
printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' >/tmp/preload.toml
containerd --config /tmp/preload.toml >/tmp/preload.log 2>&1 &
containerd=$!
tries=0
until ctr version >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then cat /tmp/preload.log; exit 1; fi
  sleep 0.1
done
for archive in /kind/archives/*.tar; do ctr -n k8s.io images import --no-unpack "$archive"; done
kill "$containerd"
wait "$containerd" || true
rm -rf /kind/archives /run/containerd /tmp/preload.*
