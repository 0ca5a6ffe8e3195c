#!/bin/sh
# Makes .venv anew, without any requirement in it.
set -eu
cd "$(dirname "$0")/.."

# Else --clear would empty the folder that it leads to, which is somebody else's.
if [ -L .venv ]; then
    echo ".venv is a link to $(readlink .venv), and would be emptied there. Remove the link; then .venv is made here." >&2
    exit 1
fi

python=$(sh tools/find-python.sh)
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    sh tools/apt-install.sh "A virtual environment for Python $version" "python$version-venv"
fi

echo "Making the virtual environment .venv with Python $version ..."
"$python" -m venv --clear .venv
