# shellcheck shell=bash
# Sourced by the interop tests, which run in the guest of vm/run: kernel modules, links
# with software iWARP devices, the target under test, logins of the kernel's ib_srp, and
# checks. Everything that a test sets up here is undone when it ends, so that tests can
# follow each other in one guest.
#
#   TARGET=srpd|lio  what is tested: srpd (default), or the kernel's own target ib_srpt,
#                    to tell a wrong test from a wrong target
#   SRPD=PATH        the srpd to test (default: the one in PATH)
#   LOGS=FOLDER      for the logs of targets, kernel and fio (default: a temporary one)
#
# Two ways to connect host and target:
#
#   local    both on one dummy link; frames go through lo (MTU 65536: large FPDUs)
#   remote   the target in a network namespace of its own behind one veth pair per host
#            (MTU 1500). The hosts stay in the first namespace because siw opens its
#            sockets there, wherever its device lives; so ib_srpt can only be local.

set -u
test_name=${0##*/}
TARGET=${TARGET:-srpd}
SRPD=${SRPD:-srpd}
port=5555
id_ext=0002c903000e8acc
ioc_guid=0002c903000e8acc
target_pid='' target_kind='' link_kind='' host='' disk='' refusal='' io_job='' io_name=''

# --- outcome ---------------------------------------------------------------------------

now() { local t; read -r t _ </proc/uptime; echo "${t%.*}"; }
started=$(now)
ok() { echo "  ok: $*"; }
note() { echo "  $*"; }

# fail WHAT: ends the test, with what the two sides had to say about it.
fail() {
  echo "  FAIL: $*"
  if [ -n "${target_log:-}" ]; then
    echo "  --- end of the log of $TARGET"
    tail -n 20 "$target_log" | sed 's/^/  | /'
  fi
  echo "  --- end of the kernel log"
  dmesg | tail -n 20 | sed 's/^/  | /'
  exit 1
}

# skip WHY: this target or machine cannot show it. On the way the reason must be said.
skip() { echo "skipped: $*"; exit 77; }

expect() { # WHAT EXPECTED ACTUAL
  [ "$2" = "$3" ] || fail "$1 is '$3', expected '$2'"
  ok "$1 is $3"
}

# wait_for SECONDS COMMAND...: until it succeeds; returns 1 when the time is over.
wait_for() {
  local end=$(($(now) + $1)); shift
  until "$@" 2>/dev/null; do
    [ "$(now)" -lt "$end" ] || return 1
    sleep 0.2
  done
}

require() { # COMMAND...
  local tool
  for tool; do
    command -v "$tool" >/dev/null ||
      skip "no $tool on this machine; tests/interop/run installs what it needs"
  done
}

# --- begin and end ---------------------------------------------------------------------

begin() {
  [ "${SRPD_VM:-}" = 1 ] ||
    skip "this changes modules, links and disks; run it in a guest: vm/run env SRPD=... $0"
  require ip rdma modprobe dmesg blockdev
  case $TARGET in
    srpd)
      command -v "$SRPD" >/dev/null || fail "no srpd at '$SRPD'; set SRPD to the program to test" ;;
    lio) ;;
    *) fail "TARGET is '$TARGET'; it can be srpd or lio" ;;
  esac
  LOGS=${LOGS:-$(mktemp -d)}
  mkdir -p "$LOGS"
  rm -f "$LOGS/$test_name.srpd" # an earlier run's: srpd is ready once more than this says
  trap finish EXIT
  trap 'exit 143' TERM
  dmesg -C
}

finish() {
  local status=$? result=passed
  trap - EXIT
  undo_everything
  # A host whose kernel warned or crashed has not passed, whatever the test found.
  dmesg >"$LOGS/$test_name.kernel"
  if kernel_complaints >"$LOGS/$test_name.complaints"; then
    if [ "$TARGET" = lio ]; then
      note "the kernel, which is host and target, complained; see $test_name.complaints"
    elif [ "$status" = 0 ]; then
      echo "  FAIL: the host's kernel complained; see $test_name.complaints"
      status=1
    fi
  fi
  case $status in 0) ;; 77) result=skipped ;; *) result=failed ;; esac
  echo "$test_name: $result after $(($(now) - started)) s"
  exit "$status"
}

kernel_complaints() {
  grep -E -A 12 'BUG:|Oops|WARNING:|general protection|hung task|blocked for more than|refcount_t' \
    "$LOGS/$test_name.kernel"
}

# Lets the test say that a kernel message up to here was expected.
forget_kernel_log() { dmesg >>"$LOGS/$test_name.kernel-before"; dmesg -C; }

# A test that sets up more than this file knows defines a function `cleanup`.
undo_everything() {
  end_jobs 2>/dev/null
  ! declare -F cleanup >/dev/null || cleanup
  logout_all
  stop_target_quietly
  unlink_all
  unload siw
}

# Background jobs (fio) of the test that still run; the target has its own end.
end_jobs() {
  local pid
  for pid in $(jobs -p); do
    [ "$pid" = "$target_pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
  done
}

# --- modules and links -----------------------------------------------------------------

unload() {
  [ ! -e "/sys/module/$1" ] || wait_for 10 rmmod "$1" || note "the module $1 cannot be unloaded"
}

# load_siw [VARIANT]: VARIANT c insists on CRC, p on peer-to-peer mode, cp on both.
load_siw() {
  local module=$SRPD_VM_MODULES/siw${1:+-$1}.ko
  [ -e "$module" ] || skip "no $module; tests/interop/vm/build-siw makes it"
  # What siw needs differs from kernel to kernel (6.12: ib_uverbs).
  # shellcheck disable=SC2046
  modprobe -a $(modinfo -F depends "$module" | tr , ' ') iw_cm rdma_cm sd_mod sg dummy veth ||
    fail "cannot load the RDMA modules"
  unload siw
  insmod "$module" || fail "cannot load $module"
}

# load_host [PARAMETER=VALUE...]: ib_srp, anew, with these module parameters.
load_host() {
  logout_all
  unload ib_srp
  modprobe ib_srp "$@" || fail "cannot load ib_srp $*"
}

add_siw() { # DEVICE LINK
  rdma link add "$1" type siw netdev "$2" || fail "cannot add the software iWARP device $1 on $2"
  wait_for 5 test -e "/sys/class/infiniband/$1" || fail "the device $1 does not appear"
}

# link_local: host and target are both 10.9.0.1 and fd09::1, device siw0.
link_local() {
  ip link add dum0 type dummy
  ip address add 10.9.0.1/24 dev dum0
  ip address add fd09::1/64 dev dum0 nodad
  ip link set dum0 up
  add_siw siw0 dum0
  link_kind=local
}

# link_remote [HOSTS]: hosts 10.9.1.1, 10.9.2.1 ... with siw1, siw2 ...; they reach the
# target as 10.9.1.2, 10.9.2.2 ...
link_remote() {
  local n
  ip netns add target && ip -n target link set lo up || fail "cannot make a network namespace"
  for ((n = 1; n <= ${1:-1}; n++)); do
    ip link add "host$n" type veth peer name "to$n" netns target
    ip address add "10.9.$n.1/24" dev "host$n"
    ip -n target address add "10.9.$n.2/24" dev "to$n"
    ip link set "host$n" up
    ip -n target link set "to$n" up
    add_siw "siw$n" "host$n"
  done
  link_kind=remote
}

unlink_all() {
  local link
  for link in /sys/class/infiniband/siw*; do
    [ ! -e "$link" ] || rdma link delete "${link##*/}"
  done
  for link in dum0 host1 host2; do
    [ ! -e "/sys/class/net/$link" ] || ip link delete "$link"
  done
  [ ! -e /run/netns/target ] || ip netns delete target
}

# --- the target under test -------------------------------------------------------------

# start_target STORE...: with srpd's own flags: --ramdisk SIZE, --file PATH:SIZE.
# $listen is the address if it is not to be the usual one.
start_target() {
  target_kind=$TARGET
  "start_$TARGET" "$@"
}

start_srpd() {
  local inside=() address=${listen:-10.9.0.1}
  [ "$link_kind" != remote ] || { inside=(ip netns exec target); address=0.0.0.0; }
  target_log=$LOGS/$test_name.srpd
  # `ip netns exec` becomes srpd, so that the pid is srpd's either way.
  "${inside[@]}" "$SRPD" --open --listen "$address:$port" "$@" >>"$target_log" 2>&1 &
  target_pid=$!
  ready_before=${ready_before:-0}
  wait_for 20 srpd_ready ||
    fail "srpd is not ready after 20 s: $SRPD --open --listen $address:$port $*"
  ready_before=$(grep -c '^srpd: ready' "$target_log")
}

# Ready once more than before, as the log goes on over restarts.
srpd_ready() {
  kill -0 "$target_pid" || fail "srpd ended while starting"
  [ "$(grep -c '^srpd: ready' "$target_log")" -gt "$ready_before" ]
}

lio=/sys/kernel/config/target
start_lio() {
  [ "$link_kind" = local ] || skip "the kernel's target has no network namespace of its own"
  modprobe -a configfs target_core_mod target_core_file ||
    fail "the kernel's target cannot be loaded"
  modprobe ib_srpt srpt_service_guid="0x$ioc_guid" || fail "cannot load ib_srpt"
  [ -d "$lio" ] || mount -t configfs configfs /sys/kernel/config
  local n=0 gid tpg acl
  # What every iWARP host of the kernel calls itself.
  local host_id=0x00000000000000000000000000000000
  gid=$(tr -d : </sys/class/infiniband/siw0/ports/1/gids/0)
  tpg=$lio/srpt/0x$gid/tpgt_1
  mkdir -p "$tpg" || fail "ib_srpt does not take the port $gid"
  while [ $# -gt 0 ]; do
    lio_store "$n" "$1" "$2"
    mkdir -p "$tpg/lun/lun_$n"
    ln -s "$store" "$tpg/lun/lun_$n/store"
    for acl in "$host_id" ${lio_initiators+"${lio_initiators[@]}"}; do
      mkdir -p "$tpg/acls/$acl/lun_$n" || fail "ib_srpt does not take the initiator $acl"
      ln -s "$tpg/lun/lun_$n" "$tpg/acls/$acl/lun_$n/lun"
    done
    n=$((n + 1))
    shift 2
  done
  echo 1 >"$tpg/enable" && echo "$port" >"$lio/srpt/discovery_auth/rdma_cm_port" ||
    fail "ib_srpt does not listen on port $port"
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

# --- hosts -----------------------------------------------------------------------------

# login [OPTION=VALUE...]: as the host with the device $device (default siw0, siw1 when
# remote), to $address (default: the target's usual one). Afterwards $host is the number
# of the SCSI host and $disk the name of LUN 0's disk.
login() {
  [ -d /sys/module/ib_srp ] || load_host
  local tries=1
  # ib_srpt sends before the host may receive; now and then that fails a login.
  [ "$TARGET" != lio ] || tries=6
  until try_login "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "login with '$*' is refused: ${refusal##*: }"
    sleep 1
  done
}

try_login() {
  local device=${device:-} dest options directory
  case $link_kind in
    local) device=${device:-siw0} dest=10.9.0.1 ;;
    remote) device=${device:-siw1} dest=10.9.${device#siw}.2 ;;
  esac
  # ib_srpt sees IPv4 hosts as mapped IPv6 addresses that RDMA/CM cannot resolve.
  [ "$TARGET" != lio ] || dest='[fd09::1]'
  directory=/sys/class/infiniband_srp/srp-$device-1
  wait_for 5 test -e "$directory/add_target" || fail "ib_srp does not know the device $device"
  options=id_ext=$id_ext,ioc_guid=$ioc_guid,dest=${address:-$dest}:$port
  local option before
  for option; do options+=,$option; done
  before=$(srp_hosts)
  wait_for 5 accepted_or_refused "$options" "$directory/add_target"
  [ -z "$refusal" ] || return 1
  host=$(comm -13 <(echo "$before") <(srp_hosts))
  [ -n "$host" ] || fail "ib_srp took the login but there is no new SCSI host"
  wait_for 20 disk_of "$host" 0 >/dev/null || fail "no disk of LUN 0 20 s after the login with '$*'"
  disk=$(disk_of "$host" 0)
}

# ib_srp forgets a session a moment after its SCSI host has vanished; until then another
# login to the same target is "File exists". Sets $refusal, empty if accepted.
accepted_or_refused() { # OPTIONS FILE
  refusal=$({ printf %s "$1" >"$2"; } 2>&1) && refusal=
  [[ $refusal != *'File exists'* ]]
}

# The numbers of the SCSI hosts of ib_srp, sorted for comm.
srp_hosts() {
  local entry
  for entry in /sys/class/scsi_host/host*/id_ext; do
    [ ! -e "$entry" ] || { entry=${entry%/id_ext}; echo "${entry##*/host}"; }
  done | sort
}

# disk_of HOST LUN: its name, once it has a size.
disk_of() {
  local entry
  for entry in "/sys/class/scsi_device/$1:0:0:$2/device/block"/*; do
    [ -e "$entry" ] && [ "$(<"$entry/size")" -gt 0 ] && [ -b "/dev/${entry##*/}" ] &&
      echo "${entry##*/}"
  done | grep .
}

sg_of() { ls "/sys/class/scsi_device/$1:0:0:$2/device/scsi_generic"; } # HOST LUN

# The kernel's ib_srp calls a session that works "running".
session_state() { cat "/sys/class/srp_remote_ports/port-$1:1/state"; }
session_is() { [ "$(session_state "$1")" = "$2" ]; } # HOST STATE

# The connections that hosts have to the target; the host's end of each.
connections() { ss -Htn state established "dport = :$port" | wc -l; }

# logout [HOST]
logout() {
  local gone=${1:-$host}
  echo 1 >"/sys/class/srp_remote_ports/port-$gone:1/delete" || fail "host $gone cannot log out"
  wait_for 20 host_gone "$gone" || fail "host $gone is still there 20 s after its logout"
}

host_gone() { [ ! -e "/sys/class/scsi_host/host$1" ]; }

logout_all() {
  local entry
  for entry in $(srp_hosts); do
    echo 1 >"/sys/class/srp_remote_ports/port-$entry:1/delete" 2>/dev/null
    wait_for 30 host_gone "$entry" || note "host $entry does not go away"
  done
}

# set_host_parameter NAME VALUE: of ib_srp; counts for the next login.
set_host_parameter() {
  echo "$2" >"/sys/module/ib_srp/parameters/$1" || fail "ib_srp has no parameter $1"
}

# --- data ------------------------------------------------------------------------------

# write_read BYTES BLOCK: random data to the start of $disk and back, past the page cache.
write_read() {
  local count=$(($1 / $2)) sum
  [ -e /run/random ] || head -c 16M /dev/urandom >/run/random
  dd if=/run/random of="/dev/$disk" bs="$2" count="$count" oflag=direct status=none ||
    fail "writing $1 bytes in blocks of $2 to $disk"
  sum=$(head -c "$1" /run/random | sha256sum)
  [ "$(dd if="/dev/$disk" bs="$2" count="$count" iflag=direct status=none | sha256sum)" = \
    "$sum" ] ||
    fail "$disk does not return what was written ($1 bytes in blocks of $2)"
}

# run_fio NAME OPTION...: on $disk; the report goes to the logs. Without allow_file_create
# a disk that has gone meanwhile would become a regular file in /dev.
run_fio() {
  local name=$1; shift
  fio --name="$name" --filename="/dev/$disk" --direct=1 --ioengine=libaio --allow_file_create=0 \
    --output="$LOGS/$test_name.fio-$name" "$@" >>"$LOGS/$test_name.fio-$name" 2>&1
}

# wait_for_io [DISK]: until commands go to it and come back; fio takes a while to start.
wait_for_io() {
  local name=${1:-$disk} before
  before=$(commands_done "$name") || fail "there is no disk $name"
  wait_for 30 io_goes_on "$name" "$before" || fail "no I/O on $name after 30 s"
}
commands_done() { awk '{ print $1 + $5 }' "/sys/block/$1/stat"; }
io_goes_on() { # DISK COMMANDS-BEFORE
  [ -z "$io_job" ] || kill -0 "$io_job" || fail "I/O failed; see $test_name.fio-$io_name"
  awk -v before="$2" '{ exit !($9 > 0 && $1 + $5 > before + 32) }' "/sys/block/$1/stat"
}

# Options for fio to write checksums, read all back, and stop at the first wrong one.
verify=(--verify=crc32c --verify_fatal=1)

# verified NAME OPTION...: writes and reads back with checksums.
verified() {
  run_fio "$@" "${verify[@]}" ||
    { tail -n 15 "$LOGS/$test_name.fio-$1" | sed 's/^/  | /'; fail "fio $*"; }
  ok "fio ${*:2} verified"
}

# start_io NAME OPTION...: `verified`, again and again in the background, until end_io: what is
# done meanwhile decides how long I/O lasts, however fast the machine is. One at a time.
start_io() {
  io_name=$1
  rm -f "/run/$io_name.enough"
  repeat_io "$@" &
  io_job=$!
  wait_for_io
}

repeat_io() {
  until [ -e "/run/$1.enough" ]; do run_fio "$@" "${verify[@]}" || return 1; done
}

# end_io WHEN: lets the run at hand verify all it wrote; no command may have failed.
end_io() {
  touch "/run/$io_name.enough"
  wait_for 120 io_over || fail "I/O $1 is not over after 120 s; see $test_name.fio-$io_name"
  wait "$io_job" || fail "I/O failed $1; see $test_name.fio-$io_name"
  io_job=
}

io_over() { process_gone "$io_job"; }
