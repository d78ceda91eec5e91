# shellcheck shell=bash
# Sourced by run: the tests. Each is a function that runs in a subshell, ends by itself
# or with fail, and has its srpd ended for it.

tests=(block_test login_string_test several_test status_test trap_test restart_test refused_test
  off_test discover_test)
guid=0002c903000e8acc
srpd_pid=

fail() {
  echo "  FAIL: $*"
  echo '  --- srpd'
  sed 's/^/  | /' "$fabric/srpd.log"
  exit 1
}

same() { # WHAT EXPECTED ACTUAL
  [ "$2" = "$3" ] && { echo "  ok: $1"; return; }
  diff <(echo "$2") <(echo "$3")
  fail "$1 is not as expected (< expected, > is)"
}

# start_srpd ARGUMENT...: on the server, on a port of its own choice.
start_srpd() {
  : >"$fabric/srpd.log"
  (at_server "$SRPD" --listen 127.0.0.1:0 "$@") >"$fabric/srpd.log" 2>&1 </dev/null &
  srpd_pid=$!
  wait_for 30 grep -q '^srpd: ready' "$fabric/srpd.log" || fail 'srpd is not ready after 30 s'
}

# start_answering ARGUMENT...: the same, and hosts can ask.
start_answering() {
  start_srpd "$@"
  wait_for 30 srpd_says 'hosts can ask for this target' || fail 'srpd registers no agent'
}

stop_srpd() {
  [ -n "$srpd_pid" ] || return 0
  kill "$srpd_pid" 2>/dev/null
  wait "$srpd_pid" 2>/dev/null
  srpd_pid=
}

srpd_says() { grep -q -- "$1" "$fabric/srpd.log"; }

ask() { (at_asker /usr/bin/python3 "$top/tests/support/mad_query.py" "$server_lid" "$@"); }

# The listing of LIO's wiki, as the ibsrpdm of today prints it.
block_test() {
  start_answering --ramdisk 16M --open --target-name "$guid" --device-management "0x$guid"
  same 'what ibsrpdm prints' 'IO Unit Info:
    port LID:        0002
    port GID:        fe800000000000000002c903000e8acd
    change ID:       0001
    max controllers: 0x10

    controller[  1]
        GUID:      0002c903000e8acc
        vendor ID: 000002
        device ID: 00673c
        IO class : 0100
        Maximum size of Send Messages in bytes: 8276
        ID:        Linux SRP target
        service entries: 1
            service[  0]: 0002c903000e8acc / SRP.T10:0002c903000e8acc' \
    "$( (at_asker /usr/sbin/ibsrpdm) )"
}

login_string_test() {
  start_answering --ramdisk 16M --open --target-name "$guid" --device-management 5555
  local expected="id_ext=$guid,ioc_guid=$guid,dgid=fe800000000000000002c903000e8acd"
  expected+=',pkey=ffff,service_id=00000000013f15b3'
  same 'what ibsrpdm -c prints' "$expected" "$( (at_asker /usr/sbin/ibsrpdm -c) )"
  same 'what srp_daemon finds' "$expected" \
    "$( (at_asker /usr/sbin/srp_daemon -o -a -c -f /dev/null) | sed 's/^ *//')"
}

# A port of the configuration: its name as LIO writes it.
port_json() {
  printf '{"fabric":"srpt","wwn":"%s","tpgs":[{"tag":1,"enable":true,"luns":[{"index":0,' "$1"
  printf '"storage_object":"/backstores/ramdisk/ram0"}],"node_acls":[]}]}'
}

# Two ports of one controller and one of another.
several_test() {
  local first=1111111111111111 second=2222222222222222 other=0002c903000eaaaa
  printf '{"storage_objects":[%s],"targets":[%s,%s,%s]}' \
    '{"name":"ram0","plugin":"ramdisk","size":16777216,"wwn":"x"}' \
    "$(port_json "ib.$first$guid")" "$(port_json "ib.$second$guid")" \
    "$(port_json "ib.$second$other")" >"$fabric/several.json"
  start_answering --config "$fabric/several.json" --device-management 7 --srp_max_req_size 9000
  same 'controllers and services' "
    controller[  1]
        GUID:      $guid
        Maximum size of Send Messages in bytes: 9000
        service entries: 2
            service[  0]: 00000000013f0007 / SRP.T10:$first
            service[  1]: 00000000013f0007 / SRP.T10:$second

    controller[  2]
        GUID:      $other
        Maximum size of Send Messages in bytes: 9000
        service entries: 1
            service[  0]: 00000000013f0007 / SRP.T10:$second" \
    "$( (at_asker /usr/sbin/ibsrpdm) | grep -E '^$|controller\[|GUID|Maximum|service')"
}

# The first bytes of each answer: ibsim leaves something of its own in the last ones.
status_test() {
  local none=0000000000000000
  start_answering --ramdisk 16M --open --target-name "$guid" --device-management 5555
  same 'answers' "0001:00000000 status 0000 0101000000000014
0010:00000000 status 0000 0001100010000000
0011:00000001 status 0000 $guid
0011:00000000 status 001c $none
0011:00000002 status 0100 $none
0011:00000011 status 001c $none
0012:00000000 status 001c $none
0012:00020000 status 0100 $none
0012:00010100 status 0100 $none
0020:00000000 status 000c $none
0010:00000000 status 000c $none
0010:00000000 status 0004 $none" \
    "$(ask 1:0 10:0 11:1 11:0 11:2 11:11 12:0 12:20000 12:10100 20:0 10:0:2 10:0:1:2 |
      cut -c 1-42)"
}

# A start is news: the subnet manager hears of it and tells who asked to be told.
trap_test() {
  local before
  before=$(traps)
  start_answering --ramdisk 16M --open --device-management 5555
  wait_for 30 more_traps "$before" || fail 'opensm got no trap 144 from the server'
  echo '  ok: trap 144 in the log of opensm'
}
traps() { grep -c 'num:144.* LID:2' "$fabric/opensm.log"; }
more_traps() { [ "$(traps)" -gt "$1" ]; }

restart_test() {
  local run
  for run in first second; do
    start_answering --ramdisk 16M --open --target-name "$guid" --device-management 5555
    same "the login strings of the $run run" 1 \
      "$( (at_asker /usr/sbin/ibsrpdm -c) | grep -c "id_ext=$guid")"
    kill -KILL "$srpd_pid"
    wait "$srpd_pid" 2>/dev/null
    srpd_pid=
    same "the login strings after the $run run" 0 \
      "$( (at_asker /usr/sbin/ibsrpdm -c) 2>/dev/null | grep -c id_ext)"
  done
}

refused_test() {
  REFUSE_AGENT=1 start_srpd --ramdisk 16M --open --device-management 5555
  wait_for 30 srpd_says 'ibsim0 port 1: another agent answers hosts there already; .*ib_srpt' ||
    fail 'srpd does not say that its agent is refused'
  sleep 2.5
  same 'how often it says so' 1 "$(grep -c 'another agent' "$fabric/srpd.log")"
  kill "$srpd_pid"
  wait "$srpd_pid"
  same 'the exit status' 0 $?
  srpd_pid=
}

off_test() {
  start_srpd --ramdisk 16M --open --device-management off
  sleep 1.5
  same 'the login strings' 0 "$( (at_asker /usr/sbin/ibsrpdm -c) 2>/dev/null | grep -c id_ext)"
  srpd_says 'hosts can ask' && fail 'srpd registered an agent'
  return 0
}

# srp finds what ibsrpdm finds, and says it in the same words.
discover_test() {
  start_answering --ramdisk 16M --open --target-name "$guid" --device-management 5555
  same 'what srp discover prints' "$( (at_asker /usr/sbin/ibsrpdm) )" "$(srp_discover)"
  same 'what srp discover -c prints' "$( (at_asker /usr/sbin/ibsrpdm -c) )" "$(srp_discover -c)"
  stop_srpd
  sleep 0.5
  same 'what srp discover says of a port that does not answer' 1 \
    "$( (at_asker "$SRP" discover --patience 1) 2>&1 | grep -c 'LID 2 .*does not answer')"
}
srp_discover() { (at_asker "$SRP" discover "$@") 2>>"$fabric/srp.log"; }
