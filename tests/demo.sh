#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make demo: the experiment of the 2018 RFC on both kernels, and what it shows.
set -eu -o pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# shellcheck source=tests/jobs.sh
. tests/jobs.sh

setup/install-packages.sh build
prepare_control "$KERNEL"
prepare_kernel "$KERNEL" patched
prepare_images "$KERNEL"
results_in "$BUILD/demo.results"
for variant in $control patched; do
	begin guest experiment "$KERNEL-$variant" RUN=experiment.guest progs.img
done
end_jobs
[ ! -s "$results" ] || exit 1 # a guest did not end well, and has said why
tests/experiment/report.sh "$KERNEL" $control patched
