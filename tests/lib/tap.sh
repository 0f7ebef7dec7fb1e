#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a cmocka program and says its skips as the TAP specification wants them: cmocka prints "not ok 1 # SKIP name".
set -o pipefail
"$@" | sed -u 's/^not ok \([0-9]*\) # SKIP \(.*\)/ok \1 - \2 # SKIP/'
