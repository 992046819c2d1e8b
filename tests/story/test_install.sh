#!/usr/bin/env bash
# What `cmake --install` puts in place is complete, and a plugin can be built against it alone.
#
#     test_install.sh BUILD_DIR
set -euo pipefail
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:?the build directory}

# In a folder whose name has a space, because users have such folders.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix="$scratch/a prefix"

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# Shows what a command printed only when it fails.
quietly() {
    "$@" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail "$*"; }
}

quietly cmake --install "$build" --prefix "$prefix"

pc=$(find "$prefix" -name walltrack-plugin.pc)
[[ -n $pc ]] || fail "walltrack-plugin.pc is not installed"
lib=$(dirname "$(dirname "$pc")")

then_installed() {
    local mode=$1 path
    for path in "${@:2}"; do
        [[ $mode = file && -f $path ]] || [[ $mode = program && -x $path ]] ||
            fail "not installed: ${path#"$prefix"/}"
    done
}
then_installed program "$prefix/sbin/walltrackd" "$prefix/bin/walltrackctl" \
    "$prefix/libexec/walltrack/engine-tape" "$prefix/libexec/walltrack/tape-generate"
then_installed file "$lib/walltrack/plugins/recorder.so" "$prefix/include/walltrack/plugin.h" \
    "$prefix/include/walltrack/params.h" "$prefix/share/doc/walltrack/examples/walltrackd.json"
then_installed file "$prefix/lib/systemd/system/walltrackd.service" \
    "$prefix/lib/sysusers.d/walltrackd.conf"
for migration in "$source_dir"/migrations/*.sql; do
    then_installed file "$prefix/share/walltrack/migrations/$(basename "$migration")"
done

# The header is plain C11 and C++17, whatever else the including program says.
for standard in c11 c17 c++17; do
    language=c
    [[ $standard != c++* ]] || language=c++
    echo '#include <walltrack/plugin.h>' >"$scratch/include.$language"
    quietly gcc -x "$language" "-std=$standard" -pedantic -Wall -Wextra -Werror \
        "-I$prefix/include" -fsyntax-only "$scratch/include.$language"
done

# The service gives the host no more than it needs: 1.5 and less is what systemd calls OK.
if [[ $(systemd-analyze --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p') -ge 252 ]]; then
    unit="$prefix/lib/systemd/system/walltrackd.service"
    quietly systemd-analyze security --offline=yes --threshold=15 "$unit"
fi

# The smallest plugin, out of the tree, from what is installed.
cp -r "$prefix/share/doc/walltrack/examples/plugin-log" "$scratch/plugin-log"
export PKG_CONFIG_PATH=$lib/pkgconfig
quietly cmake -G Ninja -S "$scratch/plugin-log" -B "$scratch/plugin-build"
quietly cmake --build "$scratch/plugin-build"
quietly cmake --install "$scratch/plugin-build"
then_installed file "$lib/walltrack/plugins/plugin-log.so"

for plugin in plugin-log recorder; do
    exported=$(nm -D --defined-only "$lib/walltrack/plugins/$plugin.so" | awk '{ print $3 }')
    [[ $exported = walltrack_plugin_v1 ]] || fail "$plugin.so exports: $exported"
done

abi=$(awk '$2 == "WT_ABI_MAJOR" { print $3 }' "$prefix/include/walltrack/plugin.h")
[[ $(pkg-config --variable=abi_major walltrack-plugin) = "$abi" ]] || fail "abi_major is not $abi"

# The example configuration is a valid one, once it names the programs of this prefix.
sed -e "s#/usr/local#$prefix#" \
    -e "s#\"state_dir\"#\"plugin_dir\": \"$lib/walltrack/plugins\", \"state_dir\"#" \
    "$prefix/share/doc/walltrack/examples/walltrackd.json" >"$scratch/walltrackd.json"
quietly "$prefix/sbin/walltrackd" --check --config "$scratch/walltrackd.json"
echo "installed, complete, and good to build plugins with"
