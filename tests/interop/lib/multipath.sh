# shellcheck shell=bash
# Sourced by tests that join paths: udevd and multipathd as a data centre's host runs them.

# start_multipath OVERRIDE...: lines of the section `overrides` of multipath.conf.
start_multipath() {
  require multipathd udevadm
  modprobe -a dm_multipath dm_service_time || fail 'no dm-multipath in this kernel'
  cat >/etc/multipath.conf <<CONF
defaults {
  polling_interval 1
  max_polling_interval 1
  find_multipaths no
  user_friendly_names no
}
overrides {
$(printf '  %s\n' "$@")
}
CONF
  /lib/systemd/systemd-udevd >"$LOGS/$test_name.udevd" 2>&1 &
  udev=$!
  disown "$udev" # it ends after what other jobs and the target leave behind
  udevadm trigger --type=subsystems --action=add
  udevadm trigger --type=devices --action=add --subsystem-match=block
  udevadm settle --timeout=30 || note 'udev is busy'
  multipathd -d -s >"$LOGS/$test_name.multipathd" 2>&1 &
  daemon=$!
  disown "$daemon"
  wait_for 20 multipathd show daemon >/dev/null || fail 'multipathd does not answer'
}
map='' daemon='' udev=''

# find_map: sets $map, its name, and $disk. A busy multipathd answers "timeout".
find_map() {
  local found
  found=$(multipathd show maps raw format '%w %d' | grep -m 1 -E '^3[0-9a-f]{32} dm-[0-9]+')
  [ -n "$found" ] && read -r map disk <<<"$found"
}

# active_paths COUNT: as the device mapper sees them.
active_paths() {
  [ "$(dmsetup status "$map" | grep -oE '[0-9]+:[0-9]+ A' | wc -l)" = "$1" ]
}

# The map goes first, and by multipathd, which would make it anew: to remove one takes an answer of
# udev.
remove_map() {
  [ -n "$map" ] || return 0
  mend_links
  wait_for 60 map_removed || return 1
  map=
}
map_removed() { multipathd remove map "$map" | grep -q '^ok' && ! dmsetup status "$map"; }

# For the test's `cleanup`.
end_multipath() {
  remove_map || note "the map $map does not go away"
  end_service "$daemon"
  end_service "$udev"
}
end_service() { # PID
  [ -n "$1" ] && kill "$1" 2>/dev/null || return 0
  wait_for 20 process_gone "$1" || { note "process $1 does not end"; kill -KILL "$1"; }
}
