#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make bench: what the option costs, in executed instructions, side by side.
#
# Tables as CSV and SVG are in $BUILD/bench; those of the run before, in
# $BUILD/bench/previous, must have been the same to within 1 %. Exit status 0: all
# that is promised held.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
export BUILD
bench=$BUILD/bench
# Programs and kernel at the same addresses in each run.
export GUEST_WORDS="nokaslr norandmaps clocksource=tsc tsc=reliable" GUEST_TIMEOUT=1800
# the CPU, with AVX2 and without
declare -A cpus=([vector]=max [generic]="qemu64,+erms")

# run VARIANT HASH NAME GUEST [WORD...]: what it reports is in the results, behind
# the first three
run() {
	local variant=$1 hash=$2 name=$3 kernel=$KERNEL-$1-bench
	local -x GUEST_COUNTED=${cpus[$2]}
	guest "bench-$name-$hash" "$kernel" "RUN=$4.guest OWN_POLICY=1 ${*:5}" bench.img
	grep ',' "$(guest_dir "bench-$name-$hash" "$kernel")/report" |
		sed "s/^/$variant,$hash,$name,/" >> "$bench/results.csv"
}

setup/install-packages.sh build bench
prepare_kernel "$KERNEL" "unpatched bench" "patched bench" "unshared bench"
prepare_images "$KERNEL"
step "making the disk of the measurements" tests/bench/images.sh "$BUILD/images/bench.img"
rm -rf "$bench/previous"
mkdir -p "$bench/new"
find "$bench" -maxdepth 1 -type f -exec mv -t "$bench/new" {} +
mv "$bench/new" "$bench/previous"

for variant in unpatched patched; do
	run "$variant" vector unflagged unflagged
done
for hash in generic vector; do
	run patched "$hash" nocache flagged OPTION=ima_nocache
	run unpatched "$hash" root flagged OPTION=root
done
run patched vector none evaluations OPTION=none ima_policy=tcb
run patched vector nocache evaluations OPTION=ima_nocache ima_policy=tcb
run unpatched vector root evaluations OPTION=root ima_policy=tcb
run patched vector verity verity
run patched vector nocache binding OPTION=ima_nocache ima_policy=tcb
run patched vector bind binding OPTION=ima_nocache=bind ima_policy=tcb
for variant in patched unshared; do
	run "$variant" vector tasks tasks
done
run patched vector mounting mounting
for option in none ima_nocache; do
	run patched vector "$option" list "OPTION=$option"
done

status=0
awk -v out="$bench" -f tests/bench/report.awk "$bench/results.csv" || status=1
(cd "$bench" && gnuplot "$OLDPWD/tests/bench/plots.gnuplot")
for table in "$bench"/*.csv; do
	[ "$table" != "$bench/results.csv" ] || continue
	echo
	basename "$table" .csv
	column -t -s , "$table" | sed 's/^/  /'
done
echo
tests/bench/compare.sh "$bench/previous" "$bench" || status=1
exit "$status"
