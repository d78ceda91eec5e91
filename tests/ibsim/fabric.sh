# shellcheck shell=bash
# Sourced by run: brings the simulated fabric up and runs programs at its two hosts.
#
#   server  LID 2, node GUID 0002c903000e8acc, IsDeviceManagementSupported; requests of
#           others reach one process there at a time
#   asker   LID 1, also the home of the subnet manager
#
# The shims in shim/ say what the simulation cannot do by itself.

fabric='' fabric_pids=() server_lid=2
umad2sim=/usr/lib/$(uname -m)-linux-gnu/umad2sim/libumad2sim.so

missing_tools() { # prints the packages that are missing, and succeeds when there are none
  local names=()
  [ -e "$umad2sim" ] || names+=(libumad2sim0)
  [ -e /usr/include/infiniband/mad.h ] || names+=(libibmad-dev)
  [ -e /usr/include/infiniband/umad.h ] || names+=(libibumad-dev)
  [ -e /usr/include/infiniband/verbs.h ] || names+=(libibverbs-dev)
  command -v ibsim >/dev/null || names+=(ibsim-utils)
  [ -x /usr/sbin/opensm ] || names+=(opensm)
  [ -x /usr/sbin/ibsrpdm ] || names+=(srptools)
  command -v gcc >/dev/null || names+=(gcc)
  [ ${#names[@]} = 0 ] || { echo "${names[*]}"; return 1; }
}

# libumad2sim makes folders sys-PID where its process runs, hence a place of our own.
fabric_up() {
  fabric=$(mktemp -d)
  # ibsim listens on an abstract socket of that name; others on this machine have theirs.
  export IBSIM_SOCKNAME=srpd-$$
  gcc -O1 -shared -fPIC -o "$fabric/capability.so" "$here/shim/capability.c"
  gcc -O1 -shared -fPIC -o "$fabric/verbs.so" "$here/shim/verbs.c" -libumad
  (cd "$fabric" && SERVER_LID=$server_lid LD_PRELOAD=$fabric/capability.so \
    exec ibsim -s -n "$here/fabric.net") >"$fabric/ibsim.log" 2>&1 </dev/null &
  fabric_pids+=($!)
  sleep 0.5
  # Otherwise "SUBNET UP" stays in its buffer.
  echo 'force_log_flush TRUE' >"$fabric/opensm.conf"
  mkdir "$fabric/opensm"
  (cd "$fabric/opensm" && export OSM_CACHE_DIR=$PWD OSM_TMP_DIR=$PWD SIM_HOST=H-asker &&
    LD_PRELOAD=$umad2sim exec /usr/sbin/opensm -F "$fabric/opensm.conf" -f "$fabric/opensm.log" \
      -g 0x2c903000f0011) >"$fabric/opensm-output.log" 2>&1 </dev/null &
  fabric_pids+=($!)
  wait_for 30 grep -q 'SUBNET UP' "$fabric/opensm.log"
}

fabric_down() {
  local pid
  # Asked to end, opensm waits long for answers of an ibsim that has gone.
  for pid in "${fabric_pids[@]}"; do { kill -KILL "$pid"; wait "$pid"; } 2>/dev/null || true; done
  rm -rf "$fabric"
}

# at_server, at_asker COMMAND...: becomes the command.
at_server() {
  cd "$fabric" && SIM_HOST=H-server SIM_SET_ISSM=1 LD_PRELOAD="$fabric/verbs.so:$umad2sim" exec "$@"
}
at_asker() {
  cd "$fabric" && SIM_HOST=H-asker LD_PRELOAD="$fabric/verbs.so:$umad2sim" exec "$@"
}

wait_for() { # SECONDS COMMAND...
  local end=$((SECONDS + $1)); shift
  until "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}
