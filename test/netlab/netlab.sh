#!/usr/bin/env bash
# A lab of firewalled networks, made of Linux network namespaces: two sites with a router each, and an "internet".
# Needs root, iproute2, nftables, conntrack and ethtool; `delay` also gcc and /dev/net/tun.
#
#   netlab.sh up POLICY_A POLICY_B     build everything afresh
#   netlab.sh services                 start DHT nodes, DNS, web server and proxies; returns when all are ready
#   netlab.sh policy a|b POLICY        change a site's firewall, and forget its connections
#   netlab.sh delay  a|b MS            one-way delay of the site's line, in both directions (0: none)
#   netlab.sh rate   a|b MBIT [MS]     speed of the site's line, with a queue of MS (50) (0: no limit)
#   netlab.sh loss   a|b PERMILLE      random loss in the site's router, in both directions (0: none)
#   netlab.sh cable  HOST up|down      plug a host of a site in or out
#   netlab.sh ipv6   a|b on|only|off   IPv6 in the site's own network; "only" takes IPv4 away
#   netlab.sh multicast a|b on|off     whether the site's hosts receive multicast
#   netlab.sh gateway HOST on|off      whether a host of a site knows its router
#   netlab.sh uplink a|b up|down       the site's line to the internet; without it the router says that there is no way
#   netlab.sh names  a|b all|inside    whether the site's name server knows the world to everybody, or only to the proxy
#   netlab.sh inspect a|b PORT|off     send TLS to the relay and to www through a program on the router, at this port
#   netlab.sh clock                    build clock.c, and print where it is
#   netlab.sh udp    HOST on|off       whether UDP from the sites reaches a public host
#   netlab.sh exec   HOST CMD...       run a command on a host
#   netlab.sh status                   what is up
#   netlab.sh down                     end everything in the lab and remove it
#   netlab.sh sweep                    remove labs whose owner process (OWNER at `up`) is gone
#
# Policies of a site's router. What is not allowed is dropped; NAME:reject answers instead (RST, ICMP prohibited).
#   open      public addresses, no filter               home     NAT, one port for all destinations, nothing unasked in
#   stateful  public addresses, nothing unasked in      sym      NAT, a random port for each destination
#   noudp     NAT, TCP out only                         web      NAT, TCP 80 and 443 out only
#   proxy     nothing out but the CONNECT proxy; no DNS blocked  nothing in or out, no DNS
#   quic      NAT, TCP 80, 443 and UDP 443 out only     lowport  NAT, TCP out and UDP 53 out only
#
# NL=NAME picks the lab (default "nl"); several can be up at once. The map is in README.md.
set -euo pipefail

NL=${NL:-nl}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RUN=/run/netlab-$NL
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/dat-netlab

PUBLIC_HOSTS=(n1:5.5.0.1 n2:5.5.0.2 n3:5.5.0.3 n4:5.5.0.4 relay:5.5.0.20 www:5.5.0.30)
SITE_A=(a1:11 a2:12 ap:80)
SITE_B=(b1:11 b2:12 bp:80)
DHT_PORT=49737
PROXY_PORT=3128
PROXY_PORT_PASSWORD=3129
PROXY_LOGIN=lab:let-me-out
# Hosts that are many hops away in reality are one hop away here: a packet that was sent with a small TTL, to open a
# hole and die on the way, must not arrive.
HOPS=10

die() {
  echo "netlab: $*" >&2
  exit 2
}

# Runs a command in the namespace of a host.
on() {
  local host=$1
  shift
  ip netns exec "$NL-$host" "$@"
}

site_number() {
  case $1 in
    a) echo 1 ;;
    b) echo 2 ;;
    *) die "a site is a or b, not $1" ;;
  esac
}

site_hosts() {
  case $1 in
    a) printf '%s\n' "${SITE_A[@]}" ;;
    b) printf '%s\n' "${SITE_B[@]}" ;;
  esac
}

# First three bytes of the addresses in a site, under a policy.
site_prefix() {
  local number
  number=$(site_number "$1")
  case ${2%%:*} in
    open | stateful) echo "5.6.$number" ;;
    *) echo "10.$number.0" ;;
  esac
}

# -- building ----------------------------------------------------------------------------------------------------------

add_host() {
  ip netns add "$NL-$1"
  on "$1" ip link set lo up
  on "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || true
  # Frames between hosts of one site must not meet the rules of the router whose bridge they cross.
  on "$1" sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || true
}

# What most hosts use for TCP; some kernels have another default, and let a namespace choose by route only.
cubic() {
  local host=$1
  shift
  on "$host" ip route replace "$@" congctl cubic 2>/dev/null || on "$host" ip route replace "$@"
}

# One packet of the program is to be one packet on the wire: loss and queues count packets.
no_offload() {
  on "$1" ethtool -K "$2" tso off gso off gro off >/dev/null 2>&1 || true
}

# wire HOST INTERFACE HOST INTERFACE
wire() {
  ip link add "$2" netns "$NL-$1" type veth peer name "$4" netns "$NL-$3"
  on "$1" ip link set "$2" up
  on "$3" ip link set "$4" up
  no_offload "$1" "$2"
  no_offload "$3" "$4"
}

use_dns() {
  mkdir -p "/etc/netns/$NL-$1"
  printf 'nameserver %s\noptions timeout:2 attempts:2\n' "$2" >"/etc/netns/$NL-$1/resolv.conf"
}

add_site() {
  local site=$1 number entry host
  number=$(site_number "$site")
  add_host "r$site"
  wire "r$site" wan0 inet "p$site"
  on inet ip link set "p$site" master br0
  on "r$site" ip addr add "5.5.$number.1/16" dev wan0
  on "r$site" sysctl -qw net.ipv4.ip_forward=1
  on "r$site" ip link add lan0 type bridge
  on "r$site" ip link set lan0 up
  for entry in $(site_hosts "$site"); do
    host=${entry%%:*}
    add_host "$host"
    wire "$host" eth0 "r$site" "v$host"
    on "r$site" ip link set "v$host" master lan0
  done
}

up() {
  local entry host
  down
  mkdir -p "$RUN"
  echo "${OWNER:-}" >"$RUN/owner"
  add_host inet
  on inet ip link add br0 type bridge
  on inet ip link set br0 up
  for entry in "${PUBLIC_HOSTS[@]}"; do
    host=${entry%%:*}
    add_host "$host"
    wire "$host" eth0 inet "p$host"
    on inet ip link set "p$host" master br0
    on "$host" ip addr add "${entry##*:}/16" dev eth0
    cubic "$host" 5.5.0.0/16 dev eth0 src "${entry##*:}"
    use_dns "$host" 5.5.0.30
  done
  add_site a
  add_site b
  # The public addresses of hosts behind "open" and "stateful" are routed.
  for entry in "${PUBLIC_HOSTS[@]}" rb:; do cubic "${entry%%:*}" 5.6.1.0/24 via 5.5.1.1; done
  for entry in "${PUBLIC_HOSTS[@]}" ra:; do cubic "${entry%%:*}" 5.6.2.0/24 via 5.5.2.1; done
  policy a "$1"
  policy b "$2"
}

# -- firewalls ---------------------------------------------------------------------------------------------------------

# Gives a site the addresses of its policy; leaves them alone when they stay the same.
address() {
  local site=$1 prefix=$2 entry host
  [[ $(cat "$RUN/prefix-$site" 2>/dev/null) == "$prefix" ]] && return 0
  on "r$site" ip -4 addr flush dev lan0
  on "r$site" ip addr add "$prefix.1/24" dev lan0
  for entry in $(site_hosts "$site"); do
    host=${entry%%:*}
    on "$host" ip -4 addr flush dev eth0
    on "$host" ip addr add "$prefix.${entry##*:}/24" dev eth0
    cubic "$host" default via "$prefix.1"
    use_dns "$host" "$prefix.1"
  done
  echo "$prefix" >"$RUN/prefix-$site"
}

policy() {
  local site=$1 name=${2%%:*} prefix refuse out='' nat='' to_router='iifname lan0 accept;'
  prefix=$(site_prefix "$site" "$name")
  local masquerade='oifname wan0 masquerade;'
  case $name in
    open) out='accept;' ;;
    stateful) out='iifname lan0 accept;' ;;
    home) out='iifname lan0 accept;' nat=$masquerade ;;
    sym) out='iifname lan0 accept;' nat='oifname wan0 masquerade random,fully-random;' ;;
    noudp) out='iifname lan0 meta l4proto { tcp, icmp } accept;' nat=$masquerade ;;
    lowport) out='iifname lan0 meta l4proto { tcp, icmp } accept; iifname lan0 udp dport 53 accept;' nat=$masquerade ;;
    web) out='iifname lan0 tcp dport { 80, 443 } accept;' nat=$masquerade ;;
    quic) out='iifname lan0 tcp dport { 80, 443 } accept; iifname lan0 udp dport 443 accept;' nat=$masquerade ;;
    proxy)
      out="iifname lan0 ip saddr $prefix.80 tcp dport 443 accept;" nat=$masquerade
      to_router="iifname lan0 ip saddr $prefix.80 accept; iifname lan0 icmp type echo-request accept; iifname lan0 jump refuse;"
      ;;
    blocked) to_router='iifname lan0 icmp type echo-request accept; iifname lan0 jump refuse;' ;;
    *) die "there is no policy $name" ;;
  esac
  case $2 in
    *:reject) refuse='meta l4proto tcp reject with tcp reset; reject with icmp type admin-prohibited;' ;;
    *) refuse='drop;' ;;
  esac
  address "$site" "$prefix"
  # What comes from outside unasked is dropped without an answer, under every policy.
  on "r$site" nft -f - <<RULES
table ip netlab
delete table ip netlab
table ip netlab {
  chain refuse { $refuse }
  chain pre { type filter hook prerouting priority -300; iifname wan0 ip ttl < $HOPS drop; }
  chain input {
    type filter hook input priority 0
    iifname lo accept; $to_router
    ct state established,related accept; drop
  }
  chain forward {
    type filter hook forward priority 0; policy drop
    ct state established,related accept; $out
    iifname lan0 jump refuse
  }
  chain post { type nat hook postrouting priority 100; $nat }
}
RULES
  on "r$site" conntrack -F >/dev/null 2>&1
  echo "$2" >"$RUN/policy-$site"
}

# -- lines -------------------------------------------------------------------------------------------------------------

# build NAME [OPTION...] : NAME.c, once; prints where the program is
build() {
  local name=$1 program
  shift
  program=$CACHE/$name-$(sha256sum "$HERE/$name.c" | cut -c1-16)
  if [[ ! -x $program ]]; then
    mkdir -p "$CACHE"
    gcc -O2 "$@" -o "$program.$$" "$HERE/$name.c" || die "$name needs gcc"
    mv "$program.$$" "$program"
  fi
  echo "$program"
}

clock() {
  build clock -shared -fPIC
}

# await_link DEVICE there|gone : in the "internet"
await_link() {
  for _ in {1..100}; do
    if on inet ip link show "$1" >/dev/null 2>&1; then
      [[ $2 == there ]] && return 0
    else
      [[ $2 == gone ]] && return 0
    fi
    sleep 0.05
  done
  die "$1 is not $2"
}

delay() {
  local site=$1 ms=$2 program end
  site_number "$site" >/dev/null
  [[ $(cat "$RUN/delay-$site" 2>/dev/null || echo 0) == "$ms" ]] && return 0
  stop "delay-$site"
  # The devices go with the program that made them.
  await_link "t${site}1" gone
  on inet ip link set "p$site" master br0
  on inet ip link del "br$site" 2>/dev/null || true
  echo "$ms" >"$RUN/delay-$site"
  [[ $ms == 0 ]] && return 0
  program=$(build delay)
  start "delay-$site" inet "$program" "t${site}0" "t${site}1" "$(awk "BEGIN { print int($ms * 1000) }")"
  await_link "t${site}1" there
  on inet ip link add "br$site" type bridge
  on inet ip link set "br$site" up
  for end in 0 1; do
    on inet ip link set "t$site$end" txqueuelen 4000 up
    no_offload inet "t$site$end"
  done
  on inet ip link set "t${site}0" master "br$site"
  on inet ip link set "p$site" master "br$site"
  on inet ip link set "t${site}1" master br0
}

rate() {
  local site=$1 mbit=$2 queue_ms=${3:-50} end
  site_number "$site" >/dev/null
  for end in "r$site:wan0" "inet:p$site"; do
    on "${end%%:*}" tc qdisc del dev "${end##*:}" root 2>/dev/null || true
    [[ $mbit == 0 ]] && continue
    on "${end%%:*}" tc qdisc add dev "${end##*:}" root \
      tbf rate "${mbit}mbit" burst 32kb limit $((mbit * queue_ms * 125 + 32768))
  done
}

loss() {
  site_number "$1" >/dev/null
  on "r$1" nft 'add table ip netlab_loss; delete table ip netlab_loss'
  [[ $2 == 0 ]] && return 0
  on "r$1" nft -f - <<RULES
table ip netlab_loss {
  chain lose { type filter hook forward priority -300; numgen random mod 1000 < $2 counter drop; }
}
RULES
}

cable() {
  case $1 in
    a[12p] | b[12p]) on "r${1:0:1}" ip link set "v$1" "$2" ;;
    *) die "$1 is no host of a site" ;;
  esac
}

ipv6() {
  local site=$1 mode=$2 number entry host off
  number=$(site_number "$site")
  [[ $mode == off ]] && off=1 || off=0
  for entry in $(site_hosts "$site"); do
    host=${entry%%:*}
    on "$host" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
    for name in all default lo eth0; do on "$host" sysctl -qw "net.ipv6.conf.$name.disable_ipv6=$off"; done
    if [[ $mode == off ]]; then continue; fi
    on "$host" ip addr replace "fd00:$number::${entry##*:}/64" dev eth0 nodad
    if [[ $mode == only ]]; then on "$host" ip -4 addr flush dev eth0; fi
  done
  rm -f "$RUN/prefix-$site"
  # After "only" the IPv4 addresses have to be given again.
  if [[ $mode != only ]]; then address "$site" "$(site_prefix "$site" "$(cat "$RUN/policy-$site")")"; fi
}

multicast() {
  local entry host
  for entry in $(site_hosts "$1"); do
    host=${entry%%:*}
    on "$host" nft 'add table inet netlab_multicast; delete table inet netlab_multicast'
    [[ $2 == on ]] && continue
    # Neighbour discovery of IPv6 is multicast too, and stays.
    on "$host" nft -f - <<'RULES'
table inet netlab_multicast {
  chain lose { type filter hook input priority 0; ip daddr 224.0.0.0/4 drop; ip6 daddr ff02::fb drop; }
}
RULES
  done
}

# -- what is wrong with a network --------------------------------------------------------------------------------------

gateway() {
  local host=$1 site=${1:0:1}
  case $2 in
    off) on "$host" ip route del default ;;
    on) cubic "$host" default via "$(cat "$RUN/prefix-$site").1" ;;
  esac
}

uplink() {
  local site=$1 other=b
  [[ $site == b ]] && other=a
  on "r$site" ip link set wan0 "$2"
  # The route to the other site's public addresses goes with the line.
  if [[ $2 == up ]]; then cubic "r$site" "5.6.$(site_number "$other").0/24" via "5.5.$(site_number "$other").1"; fi
}

names() {
  local site=$1
  service "dns-r$site" "r$site" dns.js "$2"
  ready "dns-r$site"
  # Under `proxy` nobody but the proxy gets to the name server; the next policy does away with this.
  [[ $2 == inside ]] || return 0
  on "r$site" nft insert rule ip netlab input iifname lan0 udp dport 53 accept
}

inspect() {
  local site=$1
  on "r$site" nft 'add table ip netlab_inspect; delete table ip netlab_inspect'
  [[ $2 == off ]] && return 0
  on "r$site" nft -f - <<RULES
table ip netlab_inspect {
  chain pre {
    type nat hook prerouting priority -100
    iifname lan0 ip daddr { 5.5.0.20, 5.5.0.30 } tcp dport 443 redirect to :$2
  }
}
RULES
}

udp() {
  on "$1" nft 'add table ip netlab_udp; delete table ip netlab_udp'
  [[ $2 == on ]] && return 0
  on "$1" nft -f - <<'RULES'
table ip netlab_udp {
  chain lose { type filter hook input priority 0; ip saddr { 5.5.1.1, 5.5.2.1, 5.6.0.0/16 } meta l4proto udp drop; }
}
RULES
}

# -- services ----------------------------------------------------------------------------------------------------------

# start NAME HOST CMD... : in the background; what it says goes to $RUN/NAME.log
start() {
  local name=$1 host=$2
  shift 2
  stop "$name"
  ip netns exec "$NL-$host" setsid "$@" >"$RUN/$name.log" 2>&1 </dev/null &
  echo $! >"$RUN/$name.pid"
}

stop() {
  local file=$RUN/$1.pid
  [[ -f $file ]] || return 0
  kill "$(cat "$file")" 2>/dev/null || true
  rm -f "$file"
}

service() {
  local name=$1 host=$2 program=$3
  shift 3
  start "$name" "$host" node "$HERE/services/$program" "$@"
}

services() {
  local names=(dht-n2 dht-n3 dht-n4 www dns-ra dns-rb proxy-ap proxy-bp) name n site
  service dht-n1 n1 dht-node.js 5.5.0.1 "$DHT_PORT"
  service www www www.js 5.5.0.30
  for site in a b; do
    service "dns-r$site" "r$site" dns.js
    service "proxy-${site}p" "${site}p" proxy.js "$PROXY_PORT" "$PROXY_PORT_PASSWORD:$PROXY_LOGIN"
  done
  ready dht-n1
  for n in 2 3 4; do service "dht-n$n" "n$n" dht-node.js "5.5.0.$n" "$DHT_PORT" "5.5.0.1:$DHT_PORT"; done
  for name in "${names[@]}"; do ready "$name"; done
}

# Waits until a service has said READY.
ready() {
  for _ in {1..300}; do
    grep -q '^READY' "$RUN/$1.log" 2>/dev/null && return 0
    kill -0 "$(cat "$RUN/$1.pid")" 2>/dev/null || break
    sleep 0.1
  done
  die "$1 did not become ready: $(tail -n 3 "$RUN/$1.log")"
}

# -- the end -----------------------------------------------------------------------------------------------------------

down() {
  local name pid
  for name in $(ip netns list | awk -v lab="$NL-" 'index($1, lab) == 1 { print $1 }'); do
    for pid in $(ip netns pids "$name" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null || true; done
    ip netns del "$name" 2>/dev/null || true
    rm -rf "/etc/netns/$name"
  done
  rm -rf "$RUN"
}

sweep() {
  local folder owner
  for folder in /run/netlab-*; do
    owner=$(cat "$folder/owner" 2>/dev/null) || continue
    # A process that has ended and waits to be collected has no program any more.
    if [[ -z $owner || -e /proc/$owner/exe ]]; then continue; fi
    NL=${folder#/run/netlab-} "$HERE/netlab.sh" down
  done
}

status() {
  local file
  for file in "$RUN"/policy-? "$RUN"/delay-?; do
    [[ -f $file ]] && echo "${file##*/} $(cat "$file")"
  done
  ip netns list | awk -v lab="$NL-" 'index($1, lab) == 1 { print $1 }'
}

verb=${1:-help}
(($# > 0)) && shift
case $verb in
  up) up "${1:-home}" "${2:-home}" ;;
  exec) host=$1 && shift && exec ip netns exec "$NL-$host" "$@" ;;
  services | policy | delay | rate | loss | cable | ipv6 | multicast | udp | gateway | uplink | names | inspect | clock | down | \
    sweep | status) "$verb" "$@" ;;
  *)
    awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
