# SPDX-License-Identifier: GPL-2.0-only
# Plot the tables in the present directory.
set terminal svg size 960,440 font "sans-serif,13" background "white"
set datafile separator ","
set key outside right top
set grid ytics lc rgb "#dddddd"

set output "flagged.svg"
set title "Opening a file with ima\\_nocache: instructions by size (generic SHA-256)"
set logscale xy
set xlabel "size of the file in bytes"
set ylabel "instructions"
set xrange [0.7:3e7]
select(hash, fs) = sprintf("< grep '^%s,%s,' flagged.csv", hash, fs)
plot select("generic,nocache", "tmpfs") using 4:8 with linespoints title "tmpfs", \
	select("generic,nocache", "ext4") using 4:8 with linespoints title "ext4", \
	select("generic,nocache", "overlay") using 4:8 with linespoints title "overlay", \
	select("generic,nocache", "fuse") using 4:8 with linespoints title "FUSE in a user namespace", \
	select("generic,root", "fuse") using 4:8 with linespoints title "FUSE by root, kernel without the series", \
	select("generic,nocache", "tmpfs") using 4:7 with lines dt 2 title "the hash alone", \
	select("generic,nocache", "tmpfs") using 4:5 with lines dt 3 title "tmpfs, IMA off"

set output "bound.svg"
set title "The same by its lower bound, reading and hashing the file"
unset logscale y
set ylabel "ratio"
set yrange [1:*]
plot for [hash in "generic vector"] for [fs in "tmpfs ext4 overlay fuse"] \
	sprintf("< grep '^%s,nocache,%s,' flagged.csv | awk -F, '$4 >= 4096'", hash, fs) \
	using 4:10 with linespoints title sprintf("%s, %s SHA-256", fs, hash)

set output "tasks.svg"
set title "Tasks that open one file of 64 MiB at once"
set logscale x 2
set xrange [*:*]
set yrange [0:*]
set xlabel "tasks"
set ylabel "evaluations"
plot "tasks.csv" every ::1 using 1:2 with linespoints title "the series", \
	"" every ::1 using 1:4 with linespoints title "without the patch that shares evaluations"
unset logscale

set output "verity.svg"
set title "Opening a file of ext4 with ima\\_nocache: by fs-verity, and by hashing"
set logscale xy
set xrange [0.7:3e7]
set yrange [*:*]
set xlabel "size of the file in bytes"
set ylabel "instructions"
plot "verity.csv" every ::1 using 1:2 with linespoints title "digest\\_type=verity", \
	"" every ::1 using 1:4 with linespoints title "SHA-256 of the file (AVX2)"
unset logscale

set output "unflagged.svg"
set title "Without the option: cost on the kernel with the series by that without"
set style data histograms
set style fill solid
set boxwidth 0.8
set xrange [*:*]
set yrange [0.99:1.01]
set xlabel ""
set ylabel "ratio"
set xtics rotate by -45 scale 0
plot for [policy in "none other matching"] \
	sprintf("< grep ',%s,' unflagged.csv", policy) \
	using 8:xtic(strcol(1)." ".strcol(3)) title sprintf("IMA policy: %s", policy)
