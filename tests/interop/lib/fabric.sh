# shellcheck shell=bash
# Sourced by lib.sh: RDMA modules and links. What differs between the fabrics has one function
# each, load_FABRIC and add_device; devices are called after the fabric (siw0, rxe1 ...).
#
#   siw   iWARP in software on both sides: the host's device is the kernel's, srpd uses TCP
#   rxe   RoCE in software: host and target have a device of the kernel each, srpd uses verbs
#   real  a device of this machine, $RDMA_DEVICE, with the address $RDMA_ADDRESS: host and target
#         both use it, srpd by verbs. Only local.
#
# Two ways to connect host and target:
#
#   local    both on one dummy link (MTU 65536 of lo for siw, 4096 for rxe)
#   remote   one veth pair per host (MTU 1500). With siw the target is in a network namespace of
#            its own. The hosts stay in the first one because siw opens its sockets there, wherever
#            its device lives; so ib_srpt can only be local. rxe receives nothing at all in other
#            namespaces: there both ends of each pair are in the first, and `src=` in the login
#            and `accept_local` make the frames take the veth pair all the same.

unload() {
  [ ! -e "/sys/module/$1" ] || wait_for 10 rmmod "$1" || note "the module $1 cannot be unloaded"
}

# load_fabric [VARIANT]: the driver, anew. VARIANT is siw's: c insists on CRC, p on peer-to-peer
# mode, cp on both.
load_fabric() {
  # In the order in which a machine with adapters loads them: the kernel takes a device away from
  # its users in the reverse order, and ib_uverbs waits for what rdma_cm makes them do.
  modprobe -a ib_uverbs iw_cm rdma_cm rdma_ucm sd_mod sg dummy veth ||
    fail "cannot load the RDMA modules"
  "load_$FABRIC" "$@"
}

load_siw() {
  local module=$SRPD_VM_MODULES/siw${1:+-$1}.ko
  [ -e "$module" ] || skip "no $module; tests/interop/vm/build-siw makes it"
  # What siw needs differs from kernel to kernel (6.12: ib_uverbs).
  # shellcheck disable=SC2046
  modprobe -a $(modinfo -F depends "$module" | tr , ' ') || fail "cannot load what siw needs"
  unload siw
  insmod "$module" || fail "cannot load $module"
}

load_real() { [ -e "/sys/class/infiniband/$RDMA_DEVICE" ] || fail "no device $RDMA_DEVICE"; }

load_rxe() {
  unload rdma_rxe
  modprobe rdma_rxe || fail "cannot load rdma_rxe"
}

unload_fabric() {
  case $FABRIC in real) ;; rxe) unload rdma_rxe ;; *) unload "$FABRIC" ;; esac
}

# load_host [PARAMETER=VALUE...]: ib_srp, anew, with these module parameters.
load_host() {
  logout_all
  unload ib_srp
  # Over a link that takes its time, rxe now and then refuses a fast registration ("lkey not
  # free"), and ib_srp is left with a queue pair that neither works nor fails.
  [ "$FABRIC.$link_kind" != rxe.remote ] || set -- never_register=1 "$@"
  modprobe ib_srp "$@" || fail "cannot load ib_srp $*"
}

add_device() { # DEVICE LINK
  rdma link add "$1" type "$FABRIC" netdev "$2" || fail "cannot add the $FABRIC device $1 on $2"
  wait_for 5 test -e "/sys/class/infiniband/$1" || fail "the device $1 does not appear"
}

local_device=${RDMA_DEVICE:-${FABRIC}0}
local_address=${RDMA_ADDRESS:-10.9.0.1}

# link_local: host and target are both $local_address, and fd09::1 unless real; $local_device.
link_local() {
  link_kind=local
  [ "$FABRIC" != real ] || return 0
  ip link add dum0 type dummy
  # RoCE takes the largest MTU of InfiniBand that fits, with its headers.
  [ "$FABRIC" = siw ] || ip link set dum0 mtu 4200
  ip address add 10.9.0.1/24 dev dum0
  ip address add fd09::1/64 dev dum0 nodad
  ip link set dum0 up
  add_device "$local_device" dum0
}

# link_remote [HOSTS]: hosts 10.9.1.1, 10.9.2.1 ... with the devices siw1, siw2 ... (or rxe1 ...);
# they reach the target as 10.9.1.2, 10.9.2.2 ..., with rxe through its devices rxet1, rxet2 ...
link_remote() {
  local n
  link_kind=remote
  if [ "$FABRIC" = siw ]; then
    ip netns add target && ip -n target link set lo up || fail "cannot make a network namespace"
  fi
  for ((n = 1; n <= ${1:-1}; n++)); do
    ip link add "host$n" type veth peer name "to$n"
    [ "$FABRIC" != siw ] || ip link set "to$n" netns target
    ip address add "10.9.$n.1/24" dev "host$n"
    at_target ip address add "10.9.$n.2/24" dev "to$n"
    ip link set "host$n" up
    at_target ip link set "to$n" up
    add_device "$FABRIC$n" "host$n"
    [ "$FABRIC" = siw ] || add_target_device "$n"
  done
}

# add_target_device N: the target's end of pair N, where that is in the host's namespace.
add_target_device() {
  local link setting
  for link in "host$1" "to$1"; do
    for setting in accept_local=1 rp_filter=0 arp_ignore=1 arp_announce=2; do
      echo "${setting#*=}" >"/proc/sys/net/ipv4/conf/$link/${setting%=*}"
    done
  done
  add_device "${FABRIC}t$1" "to$1"
}

# at_target COMMAND...: in the network namespace of the target.
at_target() {
  if [ -e /run/netns/target ]; then ip netns exec target "$@"; else "$@"; fi
}

# cut_link N, mend_link N: as a switch that drops everything, which neither end is told.
cut_link() {
  tc qdisc add dev "host$1" root netem loss 100% &&
    at_target tc qdisc add dev "to$1" root netem loss 100% || fail "cannot cut link $1"
}
mend_link() {
  tc qdisc delete dev "host$1" root && at_target tc qdisc delete dev "to$1" root ||
    fail "cannot mend link $1"
}
mend_links() { # those that are cut
  local n
  for n in 1 2; do
    ! tc qdisc show dev "host$n" 2>/dev/null | grep -q netem || mend_link "$n"
  done
}

unlink_all() {
  local link
  [ "$FABRIC" != real ] || return 0
  for link in "/sys/class/infiniband/$FABRIC"*; do
    [ ! -e "$link" ] || rdma link delete "${link##*/}"
  done
  for link in dum0 host1 host2; do
    [ ! -e "/sys/class/net/$link" ] || ip link delete "$link"
  done
  [ ! -e /run/netns/target ] || ip netns delete target
}
