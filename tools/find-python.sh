#!/bin/sh
# Prints the name of a Python 3.11 or newer that works. PYTHON, if set, is the only one considered.
# Debian packs the part that makes virtual environments apart, so a Python that has it goes first.
set -eu

first_that_runs() {
    for python in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        # Running it is the test: a version manager may have put a name on the path that starts nothing.
        if "$python" -c "$1" >/dev/null 2>&1; then
            echo "$python"
            return 0
        fi
    done
    return 1
}

recent='import sys; assert sys.version_info >= (3, 11)'
first_that_runs "$recent; import ensurepip, venv" && exit
first_that_runs "$recent" && exit

if [ -n "${PYTHON:-}" ]; then
    echo "PYTHON is $PYTHON, which is not a Python 3.11 or newer that starts." >&2
else
    echo "Python 3.11 or newer is missing: none of python3.13, python3.12, python3.11 and python3 is one that starts." >&2
    echo "On Debian 12 or Ubuntu 24.04 and later: sudo apt-get install python3 python3-venv" >&2
    echo "A Python elsewhere can be named: make run PYTHON=/path/to/python3" >&2
fi
exit 1
