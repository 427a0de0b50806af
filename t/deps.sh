#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# t/deps.sh SECTION...           installs what is missing of these sections of
#                                deps.txt
# t/deps.sh --check SECTION...   says by its exit status whether all is there
#
# Needs root only when something is missing.  Services of the new packages are
# not started: the tests and the demo run private ones.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
policy=/usr/sbin/policy-rc.d

# The package names of the sections given, one a line.
packages() {
    awk -v want=" $* " '
        { sub(/#.*/, "") }
        /^\[/ { gsub(/[][ ]/, ""); inside = index(want, " " $0 " "); next }
        inside && NF { print $1 }' "$top/deps.txt"
}

missing() {
    packages "$@" | sort > "$list"
    # shellcheck disable=SC2046
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(cat "$list") 2>/dev/null |
        awk '$2 == "installed" { print $1 }' | sort | comm -23 "$list" -
}

# Keeps maintainer scripts from starting services, unless the machine has a
# rule of its own.
forbid_services() {
    [ -e "$policy" ] && return
    made=$policy
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
}

only_check=
[ "${1:-}" != --check ] || { only_check=1; shift; }
if ! command -v dpkg-query >/dev/null; then
    [ -n "$only_check" ] ||
        echo "deps: this is no Debian; install what deps.txt lists by other means" >&2
    exit 0
fi
for section in "$@"; do
    grep -q "^\[$section\]" "$top/deps.txt" && continue
    echo "deps: deps.txt has no section $section" >&2
    exit 64
done
made=
list=$(mktemp)
trap 'rm -f "$list" ${made:+"$made"}' EXIT
trap 'exit 1' INT TERM HUP
names=$(missing "$@" | tr '\n' ' ')
[ -n "$names" ] || exit 0
[ -z "$only_check" ] || exit 1
if [ "$(id -u)" != 0 ]; then
    echo "deps: as root, run: apt-get install --no-install-recommends $names" >&2
    exit 1
fi
echo "deps: installing $names"
forbid_services
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086  (one word a package)
apt-get -qq install -y --no-install-recommends $names > /dev/null
