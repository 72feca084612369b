#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make demo-attest: who is deceived when a program is switched on a machine that is attested?
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# shellcheck source=tests/jobs.sh
. tests/jobs.sh
# shellcheck source=tests/attest/rows.sh
. tests/attest/rows.sh

setup/install-packages.sh build attest
prepare_control "$KERNEL"
prepare_kernel "$KERNEL" patched
prepare_images "$KERNEL"
step "making what a machine attests with" tests/attest/images.sh
results_in "$BUILD/demo-attest.results"
step "enrolling a TPM" enroll "$BUILD/attest"
each_row "$KERNEL" $control begin
end_jobs
forgeries "$KERNEL-patched"
print_rows "$KERNEL" $control
echo
if grep -q '^not ok' "$results"; then
	echo "The demonstration failed:"
	grep -B 1 '^not ok' "$results"
	exit 1
fi
cat << END
Each machine's TPM signed its PCRs for the verifier's question, and IMA's list came to what
PCR 10 has: nothing was left out. Linux $(cat "$BUILD/kernel/$KERNEL-$control/release") ran a program that its verifier
did not hear of. With ima_nocache the verifier heard of it; where the attacker's server failed
IMA's read, it heard of a violation. With ima_nocache=bind it goes on to trust the machine, and
rightly: the good program ran. Answers that were old, of another TPM, or forged were refused.
END
