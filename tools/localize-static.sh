#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes one archive of many, with hidden symbols made local. usage: localize-static.sh OUT.a ARCHIVE...
# The first archive (the public API) goes in whole; from the others the linker takes what that needs.
set -eu
out=$1
api=$2
shift 2
ld -r -o "$out.o" --whole-archive "$api" --no-whole-archive --start-group "$@" --end-group
objcopy --localize-hidden "$out.o"
rm -f "$out"
ar rcsD "$out" "$out.o"
rm -f "$out.o"
