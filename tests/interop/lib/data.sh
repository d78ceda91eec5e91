# shellcheck shell=bash
# Sourced by lib.sh: writes, reads and compares, alone or while something else happens.

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
