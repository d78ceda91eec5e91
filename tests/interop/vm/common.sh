# shellcheck shell=bash
# Sourced by `run` and the build-* scripts: the cache they fill, the lock that lets two of
# them run at once, and packages from Debian's archive.

cache=${SRPD_VM_CACHE:-/var/cache/srpd-vm}
program=${0##*/}

say() { echo "vm/$program: $*" >&2; }

# This machine cannot do it, which is no verdict on what was to be tested: exit 77
# is how test runners are told "skipped".
unavailable() { say "skipped: $*"; exit 77; }

use_cache() {
  mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] ||
    unavailable "cannot write to the cache $cache; point SRPD_VM_CACHE at a folder of yours"
}

# locked COMMAND...: one process at a time changes the cache. Taken again by a
# process that holds it (build-siw runs `run`), hence the variable.
locked() {
  if [ "${SRPD_VM_LOCK_HELD:-}" = "$cache" ]; then "$@"; return; fi
  exec {lock_fd}>"$cache/lock"
  flock -n "$lock_fd" || { say "waiting for another process that fills $cache"; flock "$lock_fd"; }
  SRPD_VM_LOCK_HELD=$cache
  export SRPD_VM_LOCK_HELD
  "$@"
  unset SRPD_VM_LOCK_HELD
  exec {lock_fd}>&-
}

# apt does not wait for the lock of its package lists, only for that of dpkg.
apt_update() {
  local attempt
  for attempt in 1 2 3 4 5 6; do
    apt-get update >"$cache/apt.log" 2>&1 && return 0
    sleep $((attempt * 3))
  done
  return 1
}

# need_packages COMMAND-OR-FILE=PACKAGE...: installs the packages of those that are missing.
need_packages() {
  local pair missing=()
  for pair; do
    command -v "${pair%%=*}" >/dev/null || [ -e "${pair%%=*}" ] || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || unavailable "missing ${missing[*]}; install: apt-get install ${missing[*]}"
  command -v apt-get >/dev/null ||
    unavailable "missing ${missing[*]}, and there is no apt-get to install them with"
  say "installing ${missing[*]}"
  apt_update || say "note: apt-get update failed, using the old package lists; see $cache/apt.log"
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install -y --no-install-recommends "${missing[@]}" >"$cache/apt.log" 2>&1 ||
      unavailable "cannot install ${missing[*]}; see $cache/apt.log"
}

# unpack_package PACKAGE FOLDER: without installing it.
unpack_package() {
  local package=$1 folder=$2
  (cd "$folder" && apt-get download "$package" >"$cache/apt.log" 2>&1) ||
    unavailable "cannot download $package; see $cache/apt.log"
  dpkg-deb -x "$folder/$package"_*.deb "$folder" ||
    unavailable "cannot unpack $package into $folder"
  rm -f "$folder/$package"_*.deb
}

# The name of the newest kernel package of $series in the archive, empty if there is none.
newest_kernel_package() {
  apt-cache --names-only search "^linux-image-${series//./\\.}\.[0-9.-]+(\+deb[0-9]+)?-amd64\$" |
    awk '{print $1}' | sort -V | tail -1
}

fetch_kernel() {
  [ -s "$kernel_dir/release" ] && return
  [ "$(uname -m)" = x86_64 ] ||
    unavailable "the guest kernels are Debian's for amd64, this is $(uname -m)"
  need_packages depmod=kmod dpkg-deb=dpkg
  command -v apt-cache >/dev/null ||
    unavailable "no apt-cache: the guest kernel comes from Debian's archive"
  local package
  package=$(newest_kernel_package)
  [ -n "$package" ] || { apt_update || true; package=$(newest_kernel_package); }
  [ -n "$package" ] ||
    unavailable "no linux-image package of series $series in the archives apt knows"
  say "fetching $package"
  rm -rf "$kernel_dir" && mkdir -p "$kernel_dir"
  unpack_package "$package" "$kernel_dir"
  local release
  release=$(basename "$kernel_dir"/lib/modules/*)
  depmod -b "$kernel_dir" "$release" || unavailable "depmod of $release failed"
  echo "$release" >"$kernel_dir/release"
}

# prepare_kernel SERIES: sets series, kernel_dir and release.
prepare_kernel() {
  series=$1 kernel_dir=$cache/kernel-$1
  locked fetch_kernel
  release=$(<"$kernel_dir/release")
}

# fetch_driver NAME: the source of a software RDMA driver of that kernel; sets source. Only
# its folder is taken out of the 140 MB source package. Needs xz and a folder $work.
fetch_driver() {
  source=$cache/$1-source-$release
  [ ! -e "$source/Kconfig" ] || return 0
  local folder=linux-source-$series/drivers/infiniband/sw/$1
  say "fetching linux-source-$series"
  mkdir "$work/source"
  unpack_package "linux-source-$series" "$work/source"
  tar -C "$work/source" -xf "$work/source/usr/src/linux-source-$series.tar.xz" "$folder" ||
    unavailable "there is no $folder in the package linux-source-$series"
  rm -rf "$source"
  mv "$work/source/$folder" "$source"
  rm -rf "$work/source"
}
