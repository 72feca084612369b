#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make shell: an interactive guest. UNPATCHED=1 takes the kernel as it was.
set -eu -o pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh

variant=patched
[ -z "${UNPATCHED:-}" ] || variant=unpatched
setup/install-packages.sh build
prepare_kernel "$KERNEL" "$variant"
prepare_images "$KERNEL"
tests/qemu/run.sh "$BUILD/kernel/$KERNEL-$variant" - RUN=shell progs.img
