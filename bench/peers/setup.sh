#!/usr/bin/env bash
# Makes an environment for each peer, apart from the project's own:
#   bash bench/peers/setup.sh            all of them
#   bash bench/peers/setup.sh litserve   one
# Versions are pinned, so that a figure names what it was measured against. Wheels, but for docopt, which has none.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3.11}

declare -A packages=(
  [litserve]="litserve==0.2.19"
  [bentoml]="bentoml==1.4.39"
  [ray]="ray[serve]==2.60.0"
  [pipecat]="pipecat-ai==1.14.0"
)

[ $# -gt 0 ] || set -- litserve bentoml ray pipecat
for peer in "$@"; do
  venv="$here/.venv-$peer"
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --only-binary=:all: --no-binary=docopt "${packages[$peer]}"
  echo "$peer: ${packages[$peer]} is ready"
done
