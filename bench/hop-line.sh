#!/usr/bin/env bash
# What the hop costs where client and servers have a line of 1 Gbit/s between them: bench/hop.ts with the client in a
# network namespace of its own. Needs root, iproute2 and util-linux; leaves nothing behind.
#   bench/hop-line.sh [1gbit] [arguments of hop.ts]
set -euo pipefail
rate="${1:-1gbit}"
shift || true
namespace="penfold-line-$$"
here="10.98.$(($$ % 250)).1"
there="${here%.1}.2"
ip netns add "$namespace"
trap 'ip netns del "$namespace"' EXIT
ip link add "pfl$$" type veth peer name line netns "$namespace"
ip addr add "$here/24" dev "pfl$$"
ip link set "pfl$$" up
ip -n "$namespace" addr add "$there/24" dev line
ip -n "$namespace" link set line up
ip -n "$namespace" link set lo up
# What the servers send is what is limited.
tc qdisc add dev "pfl$$" root tbf rate "$rate" burst 256kb latency 50ms
# hop.ts looks for free ports on an address that is at the other end.
ip netns exec "$namespace" sysctl -qw net.ipv4.ip_nonlocal_bind=1
ip netns exec "$namespace" node "$(dirname "$0")/hop.ts" --line "$here" "$@"
