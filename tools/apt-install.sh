#!/bin/sh
# Installs Debian or Ubuntu packages where this user may do so without a password; otherwise says what to type, and fails.
# usage: tools/apt-install.sh PURPOSE PACKAGE...
set -eu

purpose=$1
shift

if ! command -v apt-get >/dev/null; then
    echo "$purpose needs what Debian packs as: $*. This machine has no apt-get; install that its own way, then run make again." >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    if sudo -n true 2>/dev/null; then
        exec sudo -n sh "$0" "$purpose" "$@"
    fi
    echo "$purpose needs system packages that this user may not install. Type this, then run make again:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends $*" >&2
    exit 1
fi

log=$(mktemp)
no_cluster=/etc/postgresql-common/createcluster.d/leadferry.conf
trap 'rm -f "$log" "$no_cluster"' EXIT

# Debian's postgresql makes a database that runs from then on. The tests start their own, so on its first install it
# is told not to, by a file that stays only as long.
case " $* " in
*" postgresql "*)
    mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' >"$no_cluster"
    ;;
esac

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1
}

echo "$purpose needs system packages. Installing them with apt-get: $*"
# A package list that cannot be renewed may still be good enough, so only the install decides.
apt update || cat "$log" >&2
if ! apt install -y --no-install-recommends "$@"; then
    cat "$log" >&2
    echo "apt-get could not install: $*. Its own words are above." >&2
    exit 1
fi
