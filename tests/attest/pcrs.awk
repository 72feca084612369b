# SPDX-License-Identifier: GPL-2.0-only
# The PCRs of one bank, as tpm2-tools print them, in the form in which evmctl reads them.
/^ +[0-9]+ *: 0x/ {
	sub(":", "", $1)
	printf "PCR-%02d:", $1
	for (i = 3; i < length($NF); i += 2)
		printf " %s", substr($NF, i, 2)
	print ""
}
