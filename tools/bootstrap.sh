#!/bin/sh
# Finds or fetches Node 24, installs the npm packages, then runs a tool: all else is TypeScript that Node runs as it is.
# Usage: tools/bootstrap.sh TOOL [ARGUMENT ...]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/jichat"
node_version=24.21.0

say() { printf '%s\n' "jichat: $*" >&2; }
fail() { say "$*"; exit 1; }

node_major() { node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

# Two that begin together, in a fresh clone or with an empty cache, would install over each other: the second
# waits, and finds it done. The lock goes with the process, however it ends; without flock (macOS) there is none.
mkdir -p "$cache"
exec 9>"$cache/bootstrap.lock"
if command -v flock >/dev/null; then
  flock --nonblock 9 || { say "waiting for another make that installs ..."; flock 9; }
fi

if [ "$(node_major)" -lt 24 ]; then
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-x64 ;;
    Linux-aarch64) platform=linux-arm64 ;;
    Darwin-arm64) platform=darwin-arm64 ;;
    Darwin-x86_64) platform=darwin-x64 ;;
    *) fail "no Node 24 is known for $(uname -s) $(uname -m): install it yourself and put it on PATH" ;;
  esac
  home="$cache/node-$node_version"
  if [ ! -x "$home/node_modules/node-$platform/bin/node" ]; then
    command -v npm >/dev/null || fail "Node 24 is missing, and npm to fetch it with: install any Node.js with npm (Debian: apt-get install nodejs npm)"
    say "getting Node $node_version (once; 30 MB) ..."
    mkdir -p "$home"
    npm install --prefix "$home" --no-save --no-package-lock --no-fund --no-audit --loglevel=error "node-$platform@$node_version" >&2 ||
      fail "Node $node_version could not be fetched: is the npm registry reachable?"
  fi
  PATH="$home/node_modules/node-$platform/bin:$PATH"
  export PATH
  # Inherited by npm's own scripts: without it they would find the older Node first.
fi

wanted=$(cksum <"$root/package-lock.json")
stamp="$root/node_modules/.jichat-installed"
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
  say "installing npm packages (half a minute) ..."
  (cd "$root" && npm ci --ignore-scripts --loglevel=error >&2) || fail "npm packages could not be installed: see npm's message above"
  printf '%s' "$wanted" >"$stamp"
fi

exec 9>&-
tool=$1
shift
exec node "$root/tools/src/$tool.ts" "$@"
