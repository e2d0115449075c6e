#!/usr/bin/env bash
# What the hop costs where client and servers have a line of 1 Gbit/s between them: bench/hop.ts with client and servers
# in network namespaces of their own. Needs root and iproute2; leaves nothing behind.
#   bench/hop-line.sh [1gbit] [arguments of hop.ts]
set -euo pipefail
rate="${1:-1gbit}"
shift || true
clients="penfold-clients-$$"
servers="penfold-servers-$$"
here="10.98.0.1"
there="10.98.0.2"
trap 'ip netns del "$clients" || true; ip netns del "$servers" || true' EXIT
ip netns add "$clients"
ip netns add "$servers"
ip -n "$servers" link add line type veth peer name line netns "$clients"
ip -n "$servers" addr add "$here/24" dev line
ip -n "$clients" addr add "$there/24" dev line
for namespace in "$clients" "$servers"; do
  ip -n "$namespace" link set line up
  ip -n "$namespace" link set lo up
done
# What the servers send is what is limited.
tc -n "$servers" qdisc add dev line root tbf rate "$rate" burst 256kb latency 50ms
# hop.ts looks for free ports on an address that is at the other end.
ip netns exec "$clients" sysctl -qw net.ipv4.ip_nonlocal_bind=1
ip netns exec "$clients" node "$(dirname "$0")/hop.ts" --line "$here" --servers "$servers" "$@"
