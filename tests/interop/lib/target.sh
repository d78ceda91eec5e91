# shellcheck shell=bash
# Sourced by lib.sh: starts and stops the target under test, srpd or the kernel's ib_srpt.

access=(--open)

# start_target STORE...: with srpd's own flags: --ramdisk SIZE, --file PATH:SIZE.
# $listen is the address if it is not to be the usual one, access=(OPTION...) who may log in
# if not everybody.
start_target() {
  target_kind=$TARGET
  "start_$TARGET" "$@"
}

start_srpd() {
  local inside=() address=$local_address
  [ "$link_kind" != remote ] || address=0.0.0.0
  address=${listen:-$address}:$port
  [ "$FABRIC" = siw ] || address=rdma:$address
  # `ip netns exec` becomes srpd, so that the pid is srpd's either way.
  [ ! -e /run/netns/target ] || inside=(ip netns exec target)
  target_log=$LOGS/$test_name.srpd
  "${inside[@]}" "$SRPD" "${access[@]}" --listen "$address" "$@" >>"$target_log" 2>&1 &
  target_pid=$!
  ready_before=${ready_before:-0}
  wait_for 20 srpd_ready ||
    fail "srpd is not ready after 20 s: $SRPD ${access[*]} --listen $address $*"
  ready_before=$(grep -c '^srpd: ready' "$target_log")
}

# Ready once more than before, as the log goes on over restarts.
srpd_ready() {
  kill -0 "$target_pid" || fail "srpd ended while starting"
  [ "$(grep -c '^srpd: ready' "$target_log")" -gt "$ready_before" ]
}

# What srpd uses.
target_descriptors() { find "/proc/$target_pid/fd" -mindepth 1 | wc -l; }
target_kib() { awk -v field="$1:" '$1 == field { print $2 }' "/proc/$target_pid/status"; } # FIELD

# What it has of RDMA devices, of only $of_device if that is set, and open files. To the kernel
# each belongs to the thread that made it. One process asks for all kinds: emulated processors
# take a tenth of a second for each.
target_resources() {
  printf 'resource show %s\n' pd mr cq srq qp cm_id | rdma -b - |
    awk -v threads=" $(ls "/proc/$target_pid/task" | tr '\n' ' ')" -v device="${of_device:-}" '
      device == "" || $2 == device || index($2, device "/") == 1 {
        for (i = 3; i < NF; i++) if ($i == "pid" && index(threads, " " $(i + 1) " ")) count[$3]++
      }
      END { printf "%d pd, %d mr, %d cq, %d srq, %d qp, %d cm_id, ", count["pdn"], count["mrn"],
              count["cqn"], count["srqn"], count["lqpn"], count["cm-idn"] }'
  echo "$(target_descriptors) files"
}

# The same, once they no longer change: what ended just before is gone by then.
settled_resources() {
  local before='' current same=0 end=$(($(now) + 60))
  while [ "$same" -lt 4 ] && [ "$(now)" -lt "$end" ]; do
    sleep 1
    current=$(target_resources)
    if [ "$current" = "$before" ]; then same=$((same + 1)); else same=0; fi
    before=$current
  done
  echo "$before"
}

# back_to BEFORE COMMAND...: until the command prints what it printed before, $within seconds at
# most.
back_to() {
  local before=$1; shift
  wait_for "${within:-10}" prints "$before" "$@"
}
prints() { local text=$1; shift; [ "$("$@")" = "$text" ]; }

lio=/sys/kernel/config/target
start_lio() {
  [ ! -e /run/netns/target ] || skip "the kernel's target has no network namespace of its own"
  modprobe -a configfs target_core_mod target_core_file ||
    fail "the kernel's target cannot be loaded"
  modprobe ib_srpt srpt_service_guid="0x$ioc_guid" || fail "cannot load ib_srpt"
  [ -d "$lio" ] || mount -t configfs configfs /sys/kernel/config
  local n device stores=()
  for ((n = 0; $# > 0; n++)); do
    lio_store "$n" "$1" "$2"
    stores+=("$store")
    shift 2
  done
  for device in $(target_devices); do lio_port "$device" "${stores[@]}"; done
  echo "$port" >"$lio/srpt/discovery_auth/rdma_cm_port" ||
    fail "ib_srpt does not listen on port $port"
}

target_devices() {
  local entry
  case $link_kind in
    local) echo "$local_device" ;;
    remote) for entry in "/sys/class/infiniband/${FABRIC}t"*; do echo "${entry##*/}"; done ;;
  esac
}

# lio_port DEVICE STORE...: a target port with these LUNs for every host there is.
lio_port() {
  local gid tpg acl store n=0
  gid=$(tr -d : <"/sys/class/infiniband/$1/ports/1/gids/0"); shift
  tpg=$lio/srpt/0x$gid/tpgt_1
  mkdir -p "$tpg" || fail "ib_srpt does not take the port $gid"
  for store; do
    mkdir -p "$tpg/lun/lun_$n"
    ln -s "$store" "$tpg/lun/lun_$n/store"
    for acl in $(host_ids) ${lio_initiators+"${lio_initiators[@]}"}; do
      mkdir -p "$tpg/acls/$acl/lun_$n" || fail "ib_srpt does not take the initiator $acl"
      ln -s "$tpg/lun/lun_$n" "$tpg/acls/$acl/lun_$n/lun"
    done
    n=$((n + 1))
  done
  echo 1 >"$tpg/enable" || fail "ib_srpt does not enable the port $gid"
}

# The initiator port identifiers of ib_srp: 8 zeros and half of the port's first GID, which for
# siw is zero as well.
host_ids() {
  local device
  for device in $(host_devices); do
    tr -d : <"/sys/class/infiniband/$device/ports/1/gids/0" |
      sed -E 's/^(.{16})(.{16})$/0x0000000000000000\2/'
  done | sort -u
}

host_devices() {
  local entry
  [ "$link_kind" != local ] || { echo "$local_device"; return; }
  for entry in "/sys/class/infiniband/$FABRIC"[0-9]*; do echo "${entry##*/}"; done
}

lio_store() { # N FLAG VALUE: sets $store
  case $2 in
    --ramdisk)
      store=$lio/core/rd_mcp_$1/ram$1
      mkdir -p "$store"
      echo "rd_pages=$(($(bytes "$3") / 4096))" >"$store/control" ;;
    --file)
      store=$lio/core/fileio_$1/file$1
      mkdir -p "$store"
      truncate -s "${3#*:}" "${3%%:*}"
      echo "fd_dev_name=${3%%:*},fd_dev_size=$(bytes "${3#*:}")" >"$store/control" ;;
    *) fail "the kernel's target has nothing like $2" ;;
  esac
  cat /proc/sys/kernel/random/uuid >"$store/wwn/vpd_unit_serial"
  echo 1 >"$store/enable" || fail "the kernel's target does not take $2 $3"
}

bytes() { numfmt --from=iec "$1"; }

stop_lio() {
  local entry
  for entry in "$lio"/srpt/0x*/tpgt_1; do
    [ -d "$entry" ] || continue
    echo 0 >"$entry/enable"
    rm -f "$entry"/acls/*/lun_*/lun "$entry"/lun/lun_*/store
    rmdir "$entry"/acls/*/lun_* "$entry"/acls/* "$entry"/lun/lun_* "$entry" "${entry%/*}"
  done
  for entry in "$lio"/core/rd_mcp_*/ram* "$lio"/core/fileio_*/file*; do
    [ -d "$entry" ] && rmdir "$entry" "${entry%/*}"
  done
  rmdir "$lio/srpt" 2>/dev/null
  unload ib_srpt
}

# stop_srpd: asked to end, it must do so by itself, with status 0.
stop_srpd() {
  kill -TERM "$target_pid" || fail "srpd has ended by itself"
  local pid=$target_pid status=0
  target_pid=
  wait_for 10 process_gone "$pid" ||
    { kill -KILL "$pid"; fail "srpd did not end in 10 s after SIGTERM"; }
  wait "$pid" || status=$?
  [ "$status" = 0 ] || fail "srpd ended with status $status after SIGTERM"
}

# A zombie of ours is gone as well: it only waits for our `wait`.
process_gone() { [ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; }

stop_target() {
  "stop_$target_kind"
  target_kind=
}

kill_target() { # without warning
  kill -KILL "$target_pid" 2>/dev/null
  wait "$target_pid" 2>/dev/null
  target_pid=
}

stop_target_quietly() {
  case $target_kind in
    lio) stop_lio ;;
    srpd) [ -z "$target_pid" ] || kill_target ;;
  esac
}

target_alive() {
  [ "$TARGET" = lio ] || ! process_gone "$target_pid" || fail "srpd has ended by itself"
}
