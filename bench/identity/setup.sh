#!/usr/bin/env bash
# Makes the environment of the face embedding that `polytalk bench face` measures likeness with, apart from the project's own:
#   bash bench/identity/setup.sh
# It measures and is part of nothing that is served. 105 MB; licences are in THIRD_PARTY.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv="$here/.venv"
[ -x "$venv/bin/python" ] || "${PYTHON:-python3.11}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$here/requirements.txt"
echo "the face embedding is ready: polytalk bench face"
