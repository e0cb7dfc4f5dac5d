#!/bin/sh
# Fails if the committed page is not what the sources build.
set -eu
cd "$(dirname "$0")"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
OUT_DIR="$fresh" npx --no-install vite build --logLevel warn
if ! diff -r "$fresh" ../src/polytalk/gateway/static; then
  echo "src/polytalk/gateway/static is not what web/ builds: run 'npm run build' in web/ and commit the result." >&2
  exit 1
fi
echo "src/polytalk/gateway/static is what web/ builds."
