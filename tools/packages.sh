# SPDX-License-Identifier: Apache-2.0
# For ./run and ./test: which Debian 12 packages they need, and how to get the missing ones. Sourced, not run.

BUILD_PACKAGES=(build-essential pkg-config meson ninja-build python3 openssl
    libuv1-dev libssl-dev zlib1g-dev libyaml-dev libcurl4-openssl-dev libsqlite3-dev libhiredis-dev libpcre2-dev libgumbo-dev)
TEST_PACKAGES=(libcmocka-dev clang-14 clang-format-14 libclang-rt-14-dev llvm-14
    python3-pytest python3-pytest-xdist python3-pytest-timeout python3-websockets python3-aiohttp python3-jwt
    python3-cryptography python3-hypothesis python3-yaml python3-redis redis-tools
    libmodsecurity-dev modsecurity-crs gnutls-bin)
COST_PACKAGES=(valgrind)
BROWSER_PACKAGES=(chromium fonts-dejavu-core ca-certificates)

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Prints those of the named packages that are not installed.
missing_packages() {
    local name
    for name in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
    done
}

# Installs what is missing of the named packages; does not touch apt when nothing is.
ensure_packages() {
    local missing as_root=() log
    command -v dpkg-query >/dev/null || die "this script installs Debian packages; elsewhere, install by hand: $*"
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "not root and no sudo; as root: apt-get install $missing"
        as_root=(sudo)
    fi
    log=$(mktemp)
    say "installing $missing"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 ||
        { tail -5 "$log" >&2; die "apt-get update failed (see $log)"; }
    # shellcheck disable=SC2086
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
        >>"$log" 2>&1 || { tail -15 "$log" >&2; die "apt-get install failed (see $log)"; }
    rm -f "$log"
}

# ensure_build FOLDER COMPILER TARGETS MESON_OPTIONS...: configures once, then builds (TARGETS: one word list, "" = all).
ensure_build() {
    local folder=$1 compiler=$2 targets=$3 log=$1/meson-setup.log
    shift 3
    mkdir -p "$folder"
    if [ ! -f "$folder/build.ninja" ]; then
        CC=$compiler meson setup "$folder" "$@" >"$log" 2>&1 || { tail -20 "$log" >&2; die "meson setup $folder failed"; }
    fi
    # shellcheck disable=SC2086
    ninja -C "$folder" $targets >"$folder/ninja.log" 2>&1 || {
        grep -v '^\[' "$folder/ninja.log" | head -60 >&2
        die "the build in $folder failed (all of it: $folder/ninja.log)"
    }
}
