#!/bin/sh
# keep one route per peer node's pod range
while :; do
  kubectl get nodes -o jsonpath='{range .items[*]}{.spec.podCIDR}{" "}{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}' | while read -r cidr ip; do
    [ -n "$cidr" ] && [ -n "$ip" ] && [ "$ip" != "$NODE_IP" ] && ip route replace "$cidr" via "$ip"
  done
  sleep 10
done
