#!/usr/bin/env bash
# The first command of the README does what it says, and leaves nothing when told so.
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
quickstart=$source_dir/examples/quickstart

scratch=$(mktemp -d /tmp/walltrack-quickstart-XXXXXX)
chmod 755 "$scratch"
dir=$scratch/demo
cleanup() {
    "$quickstart" stop --dir "$dir" >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*" >&2
    cat "$scratch/output" "$dir/walltrackd.log" >&2 || true
    exit 1
}

then_says() {
    grep -Eq -- "$1" "$scratch/output" || fail "it does not say: $1"
}

# The release build is not what is tested here, and sanitizers of a caller are none of its business.
unset ASAN_OPTIONS UBSAN_OPTIONS
run_quickstart() {
    "$quickstart" "$@" --dir "$dir" >"$scratch/output" 2>&1
}

run_quickstart start || fail "quickstart ended with status $?"
then_says 'manual'
then_says 'scheduled'
then_says 'completed'
then_says 'examples/quickstart stop'

run_quickstart status || fail "status: $?"
then_says 'walltrackd +running'
then_says 'PostgreSQL +running'

run_quickstart stop || fail "stop: $?"
if run_quickstart status; then
    fail "it still runs after stop"
fi

run_quickstart remove || fail "remove: $?"
[[ ! -e $dir ]] || fail "something is left after remove"
echo "started, ran by hand and by schedule, stopped, removed"
