# shellcheck shell=bash
# Sourced by the interop tests, which run in the guest of vm/run: kernel modules and links
# (lib/fabric.sh), the target under test (lib/target.sh), logins of the kernel's ib_srp
# (lib/host.sh), data (lib/data.sh), and here how a test begins, ends and judges. Everything
# that a test sets up with these is undone when it ends, so that tests can follow each other
# in one guest.
#
#   TARGET=srpd|lio  what is tested: srpd (default), or the kernel's own target ib_srpt,
#                    to tell a wrong test from a wrong target
#   FABRIC=siw|rxe|real  over software iWARP (default), software RoCE, or a device of this
#                    machine (see lib/fabric.sh)
#   SRPD=PATH        the srpd to test (default: the one in PATH)
#   RDMA_PEER=PATH   rdma_peer, which does what no good host would (default: the one in PATH)
#   LOGS=FOLDER      for the logs of targets, kernel and fio (default: a temporary one)

set -u
TARGET=${TARGET:-srpd}
FABRIC=${FABRIC:-siw}
test_name=${0##*/}
SRPD=${SRPD:-srpd}
RDMA_PEER=${RDMA_PEER:-rdma_peer}
port=5555
id_ext=0002c903000e8acc
ioc_guid=0002c903000e8acc
target_pid='' target_kind='' link_kind='' host='' disk='' refusal='' io_job='' io_name=''

lib=$(dirname "${BASH_SOURCE[0]}")/lib
. "$lib/fabric.sh"
. "$lib/target.sh"
. "$lib/host.sh"
. "$lib/data.sh"

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
    sleep "${pause:-0.2}"
  done
}

require() { # COMMAND...
  local tool
  for tool; do
    command -v "$tool" >/dev/null ||
      skip "no $tool on this machine; tests/interop/run installs what it needs"
  done
}

require_peer() {
  [ "$FABRIC" != siw ] || skip 'over siw srpd has no queue pairs; tests/cli does this over TCP'
  command -v "$RDMA_PEER" >/dev/null ||
    fail "no rdma_peer at '$RDMA_PEER'; set RDMA_PEER to the program"
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
  unload_fabric
}

# Background jobs (fio) of the test that still run; the target has its own end.
end_jobs() {
  local pid
  for pid in $(jobs -p); do
    [ "$pid" = "$target_pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null
  done
}

