#!/bin/sh
# Sees to what the tests need beside Python: PostgreSQL's programs and a browser that starts.
set -eu
cd "$(dirname "$0")/.."

python=.venv/bin/python

works() {
    "$python" -m "tests.services.$1" >/dev/null 2>&1
}

is_ubuntu() {
    grep -qs '^ID=ubuntu' /etc/os-release
}

missing=
works postgres || missing="postgresql"
if ! works browser; then
    # Playwright's own program needs libatomic1, which a small installation lacks.
    missing="$missing libatomic1"
    # Ubuntu's Chromium is a snap, which starts in few containers: there Playwright brings one, below.
    is_ubuntu || missing="$missing chromium"
fi
# Unquoted: one word for each package.
[ -z "$missing" ] || sh tools/apt-install.sh "The test suite" $missing

if is_ubuntu && ! works browser; then
    echo "The test suite needs a browser. Installing Chromium with Playwright ..."
    "$python" -m playwright install --with-deps chromium || echo "Playwright could not install Chromium." >&2
fi

# Debian's Chromium without a window is several times as fast as the whole one, which does too.
if ! is_ubuntu && [ -z "${CHROMIUM:-}" ] && ! command -v chromium-headless-shell >/dev/null; then
    sh tools/apt-install.sh "The test suite" chromium-headless-shell || echo "The tests use the whole Chromium: slower." >&2
fi

# Ubuntu's Firefox is a snap too. Its tests are a second opinion: without it they are skipped.
if ! is_ubuntu && [ -z "${FIREFOX:-}" ] && ! command -v firefox-esr firefox >/dev/null; then
    sh tools/apt-install.sh "The test suite" firefox-esr || echo "There is no Firefox: its tests are skipped." >&2
fi

works redis || sh tools/apt-install.sh "The test suite" redis-server || echo "There is no Redis: its tests are skipped." >&2

"$python" -m tests.services.postgres
"$python" -m tests.services.browser
