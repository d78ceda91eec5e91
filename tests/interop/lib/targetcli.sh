# shellcheck shell=bash
# Sourced by the tests in which unmodified targetcli configures srpd's tree and the kernel's own
# target: the devices that a configuration of everything needs, and targetcli on either of the two.

SRPCTL=${SRPCTL:-$(dirname "$SRPD")/srpctl}
targetcli_tests=$(cd "$lib/../../targetcli" && pwd)
modules=(target_core_user target_core_pscsi target_core_iblock target_core_file ib_srpt)
tree=/run/$test_name.tree state=/run/$test_name.state
ours=$state/target/saveconfig.json # where targetcli saves srpd's tree
bus='' dbus_pid=''

require_targetcli() {
  [ "$TARGET" = srpd ] || skip 'both targets take part'
  require targetcli losetup dbus-daemon python3
  [ -x "$SRPCTL" ] || fail "no srpctl at '$SRPCTL'; set SRPCTL to the program to test"
}

# make_devices: sets $read_only and $disk_node; /dev/ram0 is there, too. The RDMA device is.
make_devices() {
  local unit
  port_id=$(tr -d : <"/sys/class/infiniband/$local_device/ports/1/gids/0")
  modprobe -a fuse loop configfs || fail 'the kernel has no FUSE, no loop devices or no configfs'
  mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
  modprobe brd rd_nr=1 rd_size=16384 || fail 'the kernel has no RAM disks'
  modprobe scsi_debug delay=0 dev_size_mb=8 num_tgts=1 max_luns=1 || fail 'no scsi_debug'
  truncate -s 16M /run/read_only.img
  # What rtslib looks for, with or without a target.
  mkdir -p "/run/$test_name.files" /etc/target /etc/rtslib-fb-target
  read_only=$(losetup -f --show /run/read_only.img) || fail 'no loop device'
  unit=$(cd /sys/class/scsi_device && ls | head -n 1)
  wait_for 10 test -e "/sys/class/scsi_device/$unit/device/block" || fail 'scsi_debug has no disk'
  disk_node=$(ls "/sys/class/scsi_device/$unit/device/block")
}

# The configuration, as lines for a target at this port.
commands() { # NAME=VALUE...
  python3 -B "$targetcli_tests/configuration.py" commands directory="/run/$test_name.files" \
    port="$port_id" block=/dev/ram0 read_only="$read_only" disk="/dev/$disk_node" "$@"
}

start_tree() { # OPTION...
  access=()
  start_target --tree "$tree" --state "$state" --profile "$(uname -r | cut -d. -f1,2)" "$@"
}

load_kernels_target() {
  local started
  modprobe ib_srpt srpt_service_guid="0x$ioc_guid" && modprobe -a "${modules[@]}" ||
    fail "the kernel's target lacks some of ${modules[*]}"
  started=$(dbus-daemon --session --fork --print-address=1 --print-pid=1) || fail 'no D-Bus'
  bus=$(head -n 1 <<<"$started") dbus_pid=$(tail -n 1 <<<"$started")
}

unload_kernels_target() {
  rmdir "$lio/srpt" "$lio/iscsi" 2>/dev/null
  [ -z "$dbus_pid" ] || kill "$dbus_pid"
  dbus_pid=
  modprobe -ra "${modules[@]}" iscsi_target_mod target_core_mod
}

clean_targetcli() {
  stop_target_quietly
  [ ! -d "$lio" ] || on_lio clearconfig confirm=True >/dev/null 2>&1
  unload_kernels_target 2>/dev/null
  losetup -D
  modprobe -ra brd scsi_debug 2>/dev/null
  rm -rf "$state"
}

on_tree() { "$SRPCTL" --tree "$tree" --state "$state" ns "$@"; }
on_srpd() { told on_tree targetcli "$@"; }
on_lio() { told env DBUS_SYSTEM_BUS_ADDRESS="$bus" TARGETCLI_HOME=/run/lio.home targetcli "$@"; }
# told COMMAND...: what targetcli says; its exit status says little.
told() {
  local said status=0
  said=$("$@" 2>&1) || status=$?
  echo "$said"
  [ "$status" = 0 ] && ! grep -Eiq 'error|cannot|failed|traceback|not found' <<<"$said"
}
# must WHO WORD...: on_srpd or on_lio, with the lines of standard input or with these words.
must() {
  local said
  said=$("$@") || fail "targetcli ($*) says: $said"
}

same() { # WHAT FILE FILE
  python3 -B "$targetcli_tests/configuration.py" equal "$2" "$3" >"$LOGS/$test_name.differences" ||
    fail "$1: $(head -n 8 "$LOGS/$test_name.differences")"
  ok "$1"
}
