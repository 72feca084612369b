#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make demo: the experiment of the 2018 RFC on both kernels, and what it shows.
set -eu -o pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh

setup/install-packages.sh build
prepare_kernel "$KERNEL" unpatched patched
prepare_images "$KERNEL"
for variant in unpatched patched; do
	guest experiment "$KERNEL-$variant" RUN=experiment.guest progs.img
done
tests/experiment/report.sh "$KERNEL" unpatched patched
