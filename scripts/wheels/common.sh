# shellcheck shell=bash
# What build-wheels and test-python share; sourced by them, in the repository's directory.
shopt -s inherit_errexit

cache=${TORRENT_CAST_CACHE:-${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/torrent-cast}
inputs=(requirements/sources.sha256 requirements/wheels.txt scripts/build-wheels scripts/wheels/*.sh scripts/wheels/Makefile scripts/wheels/exports.map)
# What is unpacked and compiled; left there for the next time. Other inputs have another directory.
work=${TORRENT_CAST_WHEELS:-$cache/wheels-$(cat "${inputs[@]}" | sha256sum | cut -c1-12)}
export LC_ALL=C TZ=UTC
export SOURCE_DATE_EPOCH=1767225600 # 2026-01-01: what is built from pinned sources has no other date
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
trap 'say "failed in line $LINENO: $BASH_COMMAND (logs are below $work)"' ERR

need() { # need PROGRAM...
  local program packages=(autoconf automake binutils curl libltdl-dev libtool make perl python3-venv xz-utils)
  for program in "$@"; do
    command -v "$program" >/dev/null || { say "$program is missing: apt-get install ${packages[*]}"; exit 1; }
  done
}

get_tools() { # the compiler and its like, from their pinned and hashed requirements
  local stamp=$work/tools/.installed
  cmp -s requirements/wheels.txt "$stamp" && return
  python3 -m venv --clear "$work/tools"
  "$work/tools/bin/pip" install --quiet --require-hashes -r requirements/wheels.txt
  cp requirements/wheels.txt "$stamp"
}

open_work() { # make the directory and hold it: one build at a time
  mkdir -p "$work"
  work=$(cd "$work" && pwd -P) # the paths that compilers are to forget, as they see them
  exec 9>"$work/lock"
  flock 9
  export ZIG_GLOBAL_CACHE_DIR=$work/zig-cache ZIG_LOCAL_CACHE_DIR=$work/zig-cache
  get_tools
}

compiler() { # compiler TARGET: print a directory of programs that compile for TARGET and put no path of this machine into it
  local directory=$work/compiler-$1 zig program
  zig=$(echo "$work"/tools/lib/python3*/site-packages/ziglang/zig)
  mkdir -p "$directory"
  for program in cc c++; do
    printf '#!/bin/sh\nexec %q %s -target %s -ffile-prefix-map=%q=/zig -ffile-prefix-map=%q=/build "$@"\n' \
      "$zig" $program "$1" "${zig%/*}" "$work" >"$directory/zig-$program"
  done
  for program in ar ranlib; do printf '#!/bin/sh\nexec %q %s "$@"\n' "$zig" $program >"$directory/zig-$program"; done
  chmod +x "$directory"/*
  echo "$directory"
}

use_platform() { # use_platform PLATFORM: set architecture, libc and target
  case $1 in
    manylinux_2_28_x86_64 | musllinux_1_2_x86_64) architecture=x86_64 ;;
    manylinux_2_28_aarch64 | musllinux_1_2_aarch64) architecture=aarch64 ;;
    *) say "no such platform: $1"; exit 2 ;;
  esac
  case $1 in
    manylinux*) libc=gnu target=$architecture-linux-gnu.2.28 ;;
    *) libc=musl target=$architecture-linux-musl ;;
  esac
}

# What libtorrent (TLS as client and server, hashes) and Boost.Asio never ask for. Nor a configuration file: a machine's
# own may be for another OpenSSL. The certificates are where musl and glibc distributions have them: below /etc/ssl.
openssl_options=(--prefix=/usr --libdir=lib --openssldir=/etc/ssl
  no-shared no-tests no-apps no-docs no-module no-legacy no-engine no-quic no-comp no-dtls no-autoload-config no-ssl-trace
  no-cmp no-cms no-ct no-ts no-srp no-idea no-seed no-camellia no-aria no-sm2 no-sm3 no-sm4 no-whirlpool no-mdc2 no-md4
  no-rc2 no-bf no-cast no-gost no-ml-dsa no-slh-dsa)

build_openssl() { # build_openssl TARGET ARCHITECTURE
  local prefix=$work/openssl-$1 build=$work/build-openssl-$1
  [ ! -e "$prefix" ] || return 0
  scripts/debian-source openssl "$work/openssl"
  rm -rf "$build"
  mkdir -p "$build"
  (
    cd "$build"
    PATH=$(compiler "$1"):$PATH
    CC=zig-cc AR=zig-ar RANLIB=zig-ranlib ../openssl/Configure "linux-$2" "${openssl_options[@]}" -fPIC -O2 -w \
      -ffunction-sections -fdata-sections >build.log
    make -s -j"$(nproc)" build_libs >>build.log 2>&1
    make -s install_dev DESTDIR="$build/installed" >>build.log 2>&1
  )
  mv -T "$build/installed/usr" "$prefix"
}
