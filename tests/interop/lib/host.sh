# shellcheck shell=bash
# Sourced by lib.sh: logins of the kernel's ib_srp, and what became of them.

# login [OPTION=VALUE...]: as the host with the device $device (default siw0, siw1 when
# remote, or rxe...), to $address (default: the target's usual one). Afterwards $host is the
# number of the SCSI host and $disk the name of LUN 0's disk.
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
  local device=${device:-} dest options directory source=
  case $link_kind in
    local) device=${device:-$local_device} dest=$local_address ;;
    remote) device=${device:-${FABRIC}1} dest=10.9.${device#"$FABRIC"}.2 ;;
  esac
  # Over iWARP ib_srpt sees IPv4 hosts as mapped IPv6 addresses that RDMA/CM cannot resolve.
  [ "$TARGET.$FABRIC" != lio.siw ] || dest='[fd09::1]'
  # With 7 retries, which is ib_srp's default, rxe never gives a dead peer up.
  [ "$FABRIC.$link_kind" != rxe.remote ] || source=,src=${dest%.*}.1,tl_retry_count=4
  directory=/sys/class/infiniband_srp/srp-$device-1
  wait_for 5 test -e "$directory/add_target" || fail "ib_srp does not know the device $device"
  options=id_ext=$id_ext,ioc_guid=$ioc_guid,dest=${address:-$dest}:$port$source
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
# login to the same target is "File exists". Sets $refusal, empty if accepted. A test that has
# something to do right before defines a function `before_login`.
accepted_or_refused() { # OPTIONS FILE
  ! declare -F before_login >/dev/null || before_login
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
connections() {
  case $FABRIC in
    siw) ss -Htn state established "dport = :$port" | wc -l ;;
    *) rdma_connections | grep -c " dst-addr [^ ]*:$port " ;;
  esac
}

# target_connections ADDRESS: those the target has at this address of its own.
target_connections() {
  case $FABRIC in
    siw) at_target ss -Htn state established "sport = :$port" "src = $1" | wc -l ;;
    *) rdma_connections | grep -c " src-addr $1:$port " ;;
  esac
}

rdma_connections() { rdma resource show cm_id | grep ' state CONNECT ' | sed 's/$/ /'; }

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
