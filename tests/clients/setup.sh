#!/usr/bin/env bash
# Makes the environments of the clients that are tried against this server, apart from the project's own:
#   bash tests/clients/setup.sh
# Versions are pinned, so that it is known what was tried. Wheels, but for docopt, which has none.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3.11}
venv="$here/.venv"

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: --no-binary=docopt --no-compile \
  --no-deps -r "$here/requirements.txt"
npm ci --silent --no-fund --no-audit --prefix "$here/../../examples/agents_node"
echo "the clients are ready"
