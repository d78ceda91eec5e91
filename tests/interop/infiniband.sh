# shellcheck shell=bash
# Sourced after lib.sh by the tests on software InfiniBand (see infiniband/README.md): two
# adapters in one kernel, ibs1 (LID 1, where hosts are and the subnet administrator) and
# ibs2 (LID 2, where they look for the target).

infiniband=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/infiniband
support=$infiniband/../../support
administrator_pid='' administrator_log=''

begin_infiniband() {
  begin
  require ibsrpdm srp_daemon python3
  [ -e "$SRPD_VM_MODULES/rdma_rxe_ib.ko" ] || skip 'no rdma_rxe_ib.ko; vm/build-infiniband makes it'
}

# link_infiniband [ADAPTERS]: with $kernel_cm=no, the kernel's connection manager stays out until
# something loads it.
link_infiniband() {
  [ "${kernel_cm:-yes}" = no ] || modprobe rdma_ucm || fail 'cannot load rdma_ucm'
  modprobe -a ib_uverbs ib_umad crc32_generic udp_tunnel ip6_udp_tunnel dummy sd_mod ||
    fail 'cannot load the InfiniBand modules'
  insmod "$SRPD_VM_MODULES/rdma_rxe_ib.ko" || fail 'cannot load rdma_rxe_ib.ko'
  local n
  for ((n = 1; n <= ${1:-2}; n++)); do add_adapter "$n"; done
  administrator_log=$LOGS/$test_name.administrator
  python3 "$infiniband/subnet_administrator.py" ibs1 >"$administrator_log" 2>&1 &
  administrator_pid=$!
  ulimit -l unlimited
}

add_adapter() { # N
  local mac
  printf -v mac '02:02:c9:%02x:00:%02x' "$1" "$1"
  ip link add "hca$1" address "$mac" mtu 4200 type dummy && ip link set "hca$1" up &&
    rdma link add "ibs$1" type rxeib netdev "hca$1" || fail "cannot make the adapter ibs$1"
  wait_for 5 umad_of "ibs$1" >/dev/null || fail "ibs$1 has no file in /dev/infiniband"
}

remove_adapter() { # N
  [ ! -e "/sys/class/infiniband/ibs$1" ] || rdma link delete "ibs$1"
  ip link delete "hca$1"
}

# The file of its port: umad0 and so on.
umad_of() {
  local entry
  for entry in /sys/class/infiniband_mad/umad*; do
    [ "$(cat "$entry/ibdev" 2>/dev/null)" != "$1" ] || [ ! -e "/dev/infiniband/${entry##*/}" ] ||
      echo "${entry##*/}"
  done | grep .
}

cleanup() {
  local n
  unload dm_cap
  unload ib_srpt
  unload ib_srp
  if [ -n "$administrator_pid" ]; then
    { kill "$administrator_pid" && wait "$administrator_pid"; } 2>/dev/null
  fi
  for n in 1 2 3; do
    [ ! -e "/sys/class/net/hca$n" ] || remove_adapter "$n"
  done
  unload rdma_rxe_ib
}

# set_capability [PARAMETER=VALUE]: marks the ports with contrib/dm_cap.
set_capability() { insmod "$SRPD_VM_MODULES/dm_cap.ko" "$@" || fail "cannot load dm_cap.ko $*"; }
has_capability() { # DEVICE
  (($(<"/sys/class/infiniband/$1/ports/1/cap_mask") & 0x80000))
}

# start_infiniband ARGUMENT...: srpd; what it serves and where it listens is up to the test.
start_infiniband() {
  target_kind=srpd
  target_log=$LOGS/$test_name.srpd
  touch "$target_log"
  lines_before=$(wc -l <"$target_log")
  "$SRPD" "$@" >>"$target_log" 2>&1 &
  target_pid=$!
  ready_before=${ready_before:-0}
  wait_for 40 srpd_ready || fail "srpd is not ready after 20 s: $SRPD $*"
  ready_before=$(grep -c '^srpd: ready' "$target_log")
}

# Since its last start.
target_says() { tail -n "+$((lines_before + 1))" "$target_log" | grep -q -- "$1"; }
wait_until_target_says() { wait_for 30 target_says "$1" || fail "srpd does not say '$1'"; }

# What a host at ibs1 sees of the port with this LID: the block of ibsrpdm.
block_of() { # LID
  ibsrpdm -d "/dev/infiniband/$(umad_of ibs1)" 2>/dev/null |
    awk -v lid="$(printf %04x "$1")" '
      /^IO Unit Info/ { text = ""; wanted = 0 }
      { text = text $0 "\n" }
      /port LID:/ { wanted = ($3 == lid) }
      wanted { block = text }
      END { printf "%s", block }'
}

found() { # LID: whether a host finds anything there
  [ -n "$(block_of "$1")" ]
}

ask() { # LID QUESTION...: see mad_query.py
  python3 "$support/mad_query.py" --device ibs1 "$@"
}

dmesg_says() { dmesg | grep -q -- "$1"; }

gid_of() { tr -d : <"/sys/class/infiniband/$1/ports/1/gids/0"; } # DEVICE
