#!/usr/bin/env bash
# Fetches nginx to build/peers, unless it is installed, for the tests that are made beside it. Where
# it cannot be had they say so; that is no failure of this step.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
# shellcheck source=bench/peers.sh
. "$root/bench/peers.sh"
fetch_peer nginx nginx
command -v nginx || say "no nginx can be had"
