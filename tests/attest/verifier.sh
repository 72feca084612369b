#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Judge a machine from afar, by what its TPM has signed.
#
# usage: tests/attest/verifier.sh ask KEY ALLOWED DIR LINE
#        tests/attest/verifier.sh judge KEY ALLOWED DIR NONCE
#
# KEY is the public key of the machine's TPM in PEM, as its owner enrolled it, and ALLOWED has
# the digests of what may be executed there, as sha256sum prints them. "ask" asks the machine
# at the other end of the pipes LINE.in and LINE.out, see machine.guest, and leaves the answer
# in DIR; "judge" judges an answer that was left there as if it were one to NONCE. Both print
# "trusted", or the reasons why not, a line each.
set -eu -o pipefail

command=$1 key=$2 allowed=$3 dir=$4
PATIENCE=120 # seconds, for a machine that boots

die() {
	echo "$*"
	exit 1
}

# The answer to a number that nobody can have foreseen.
ask() {
	local word
	exec 3<> "$1.in" 4<> "$1.out"
	read -r -t "$PATIENCE" word <&4 && [ "$word" = ready ] || die "the machine does not answer"
	rm -rf "$dir"
	mkdir -p "$dir"
	openssl rand -hex 20 > "$dir/nonce"
	echo "quote $(cat "$dir/nonce")" >&3
	while read -r -t "$PATIENCE" word <&4 && [ "$word" != . ]; do
		echo "$word"
	done | base64 -d | tar -C "$dir" -xm || die "the machine's answer cannot be read"
}

# The TPM has signed these PCRs, for this question. evmctl reads them in another form.
quoted() {
	tpm2_checkquote -u "$key" -m "$dir/message" -s "$dir/signature" -f "$dir/pcrs" -g sha256 \
		-q "$1" > "$dir/checked" 2>> "$dir/log" || return
	awk '/^ +[0-9]+ *: 0x/ {
			sub(":", "", $1)
			printf "PCR-%02d:", $1
			for (i = 3; i < length($NF); i += 2)
				printf " %s", substr($NF, i, 2)
			print ""
		}' "$dir/checked" > "$dir/pcrs.text"
}

# What the list has comes to what the PCR has, from the boot on: nothing is left out. The
# entries are among what evmctl says; each begins with the number of its PCR.
replays() {
	evmctl -v ima_measurement --ignore-violations --pcrs "sha256,$dir/pcrs.text" "$dir/list" \
		> "$dir/said" 2>&1 || return
	grep -E '^[0-9]+ [0-9a-f]+ ' "$dir/said" > "$dir/entries"
}

# Its first entry is of the boot that the other PCRs are of.
booted() {
	local aggregate
	aggregate=$(evmctl ima_boot_aggregate --pcrs "sha256,$dir/pcrs.text" 2>> "$dir/log") || return
	awk -v aggregate="$aggregate" '
		NR == 1 { same = $4 == aggregate && $5 == "boot_aggregate" }
		END { exit !same }' "$dir/entries"
}

# Each entry but the first, by its digest alone: a name is what whoever mounts chooses. A
# digest of zeros is a violation: nobody knows what was executed.
judge() {
	awk 'FNR == NR { allowed[$1]; next }
		FNR == 1 { next }
		{
			digest = $4
			name = $0
			for (i = 0; i < 4; i++)
				sub(/^[^ ]+ /, "", name)
			if (digest ~ /:0+$/)
				reason = "violation: " name
			else if (!(digest in allowed))
				reason = "unknown digest of " name
			else
				next
			if (!said[reason]++)
				print reason
			bad = 1
		}
		END { if (!bad) print "trusted" }' \
		<(sed 's/^/sha256:/' "$allowed") "$dir/entries"
}

if [ "$command" = ask ]; then
	ask "$5"
	nonce=$(cat "$dir/nonce")
else
	nonce=$5
fi
quoted "$nonce" || die "no quote of this TPM for this question"
replays || die "the list is not what the TPM has"
booted || die "the list is of another boot"
judge
