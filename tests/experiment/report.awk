# SPDX-License-Identifier: GPL-2.0-only
# Read tests/experiment/expected, then for each kernel a line "kernel NAME" and
# what experiment.guest reported; print the table. Exit status 0: every cell was
# there, once, and came out as expected.
#
# Variables: sha1, sha2: what sha256sum says of prog1 and prog2; release; ktap: a
# file that gets a result for each cell; variants: of the kernel, that were run.

function outcome(    ran) {
	if (c["state"] != "mounted")
		return c["state"]
	if (c["first"] != "hello_world:_1" || c["served_before"] != sha1)
		return "unswitched"
	if (c["before"] != sha1)
		return "unmeasured"
	# The liar has deceived nobody: what ran is in the list.
	if (c["fs"] == "fuse-liar" && c["second"] == "hello_world:_1" && c["after"] == "")
		return "unused"
	ran = c["second"] == "hello_world:_2"
	# to sha256sum, which reads the file but once, the liar tells no lie
	if (!ran || c["served_after"] != (c["fs"] == "fuse-liar" ? sha1 : sha2))
		return "unswitched"
	if (c["after"] == "")
		return "missed"
	return c["after"] == sha2 ? "noticed" : "wrong-digest"
}

function print_row(kernel, fs, by, option, printed, before, after, result, verdict) {
	printf "%-10s %-9s %-7s %-16s %-7s %-13s %-13s %-8s %s\n", kernel, fs, by,
		option, printed, before, after, result, verdict
}

function digest(sum) {
	return sum == "" ? "-" : substr(sum, 1, 12)
}

FILENAME ~ /expected$/ {
	# Debian's own kernel is one without the series
	if (index(variants, " debian "))
		sub(/^unpatched/, "debian")
	if ($1 !~ /^#/ && index(variants, " " $1 " "))
		expected[$1 " " $2 " " $3 " " $4] = $5
	next
}

$1 == "kernel" { kernel = $2 }

$1 == "cell" {
	delete c
	for (i = 2; i <= NF; i++)
		c[substr($i, 1, index($i, "=") - 1)] = substr($i, index($i, "=") + 1)
	key = kernel " " c["fs"] " " c["by"] " " c["option"]
	result = outcome()
	good = !seen[key]++ && result == expected[key]
	if (!cells++) {
		print ""
		print_row("kernel", "file", "mounted", "option", "prog1", "in the list", "in the list", "switch", "")
		print_row("", "system", "by", "", "printed", "before", "after", "", "")
	}
	print_row(kernel, c["fs"], c["by"], c["option"],
		c["first"] == "" ? "-" : substr(c["first"], 14) " -> " substr(c["second"], 14),
		digest(c["before"]), digest(c["after"]), result,
		good ? "as expected" : "NOT AS EXPECTED: " expected[key])
	print (good ? "ok" : "not ok") " - experiment: " release " " key " is " expected[key] > ktap
	bad += !good
}

END {
	for (key in expected)
		if (!seen[key]) {
			print "missing: " key
			print "not ok - experiment: " key " is " expected[key] > ktap
			bad++
		}
	print ""
	if (variants == " patched ")
		exit bad != 0
	if (bad) {
		print "The experiment failed: " bad " of its cells did not come out as expected."
		exit 1
	}
	print "Linux " release " ran a switched program that IMA never saw: on FUSE mounted in a user"
	print "namespace, and where a disk was written underneath. With ima_nocache IMA saw each"
	print "switch; a kernel that does not know the option refused to mount with it. A server that"
	print "shows IMA one program and runs another deceives that; with ima_nocache=bind it ran what"
	print "IMA saw."
}
