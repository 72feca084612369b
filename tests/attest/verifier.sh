#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Judge a machine from afar, by what its TPM has signed.
#
# usage: tests/attest/verifier.sh ask KEY ALLOWED DIR LINE
#        tests/attest/verifier.sh judge KEY ALLOWED DIR NONCE
#
# KEY is the public key of the machine's TPM in PEM, as its owner enrolled it, and ALLOWED has
# the digests of what may be executed there, as sha256sum prints them. "ask" asks the machine
# at the other end of the pipes LINE.in and LINE.out, see machine.guest, and leaves in DIR the
# nonce, and in DIR/answer what it got; "judge" judges such an answer as if it were one to
# NONCE. Both print "trusted", or the reasons why not, a line each. Nothing that the machine
# says is believed but what the TPM has signed, or what comes to that.
set -eu -o pipefail
export LC_ALL=C

here=$(dirname "$0")
command=$1 key=$2 allowed=$3 dir=$4
PATIENCE=${GUEST_TIMEOUT:-300} # seconds, for a machine that boots
LIMIT=16000000                 # bytes of an answer
PARTS="message signature pcrs list"

die() {
	echo "$*"
	exit 1
}

# receive LINE NONCE: one archive in base64 and a line with a dot
receive() {
	local word
	exec 3<> "$1.in" 4<> "$1.out"
	read -r word <&4 && [ "$word" = ready ] || return
	echo "quote $2" >&3
	while read -r word <&4 && [ "$word" != . ]; do
		echo "$word"
	done | head -c "$LIMIT"
}

# The answer to a number that nobody can have foreseen, and nothing else that it may hold.
ask() {
	local part
	rm -rf "$dir"
	mkdir -p "$dir/answer"
	export -f receive
	export LIMIT
	# shellcheck disable=SC2016 # it is for the other shell
	timeout "$PATIENCE" bash -c 'receive "$@"' - "$1" "$2" > "$dir/archive" || die "the machine does not answer"
	# shellcheck disable=SC2086 # words
	for part in $PARTS; do
		base64 -d "$dir/archive" | tar -xO "./$part" > "$dir/answer/$part" || die "the machine's answer cannot be read"
	done
}

# The TPM has signed these PCRs, for this question. Not each tpm2-tools looks if what is signed
# is a quote, and if it is one of the PCRs that come with it.
quoted() {
	tpm2_checkquote -u "$key" -m "$dir/answer/message" -s "$dir/answer/signature" \
		-f "$dir/answer/pcrs" -g sha256 -q "$1" > "$dir/checked" 2>> "$dir/log" || return
	tpm2_print -t TPMS_ATTEST "$dir/answer/message" > "$dir/message" 2>> "$dir/log" || return
	# TPM_ST_ATTEST_QUOTE, and PCRs 0 to 10 of the SHA-256 bank, and of no other
	awk '$1 == "type:" && $2 == "8018" { quote = 1 }
		$1 == "count:" && $2 == 1 { count = 1 }
		$1 == "hash:" && $2 == 11 { bank = 1 }
		$1 == "pcrSelect:" && $2 == "ff0700" { selected = 1 }
		END { exit !(quote && count && bank && selected) }' "$dir/message" || return
	awk -f "$here/pcrs.awk" "$dir/checked" > "$dir/pcrs"
}

# What the list has comes to what the PCR has, from the boot on: nothing is left out. Of what
# an entry shows, this is the part that is in the PCR.
replays() {
	evmctl ima_measurement --ignore-violations --pcrs "sha256,$dir/pcrs" "$dir/answer/list" \
		>> "$dir/log" 2>&1 && perl "$here/entries.pl" "$dir/answer/list" "$dir/pcrs" > "$dir/entries" 2>> "$dir/log"
}

# Its first entry is of the boot that the other PCRs are of.
booted() {
	local aggregate
	aggregate=$(evmctl ima_boot_aggregate --pcrs "sha256,$dir/pcrs" 2>> "$dir/log") &&
		[ "$(head -n 1 "$dir/entries")" = "$aggregate boot_aggregate" ]
}

# Each entry but the first, by its digest alone: a name is what whoever mounts chooses.
judge() {
	awk -v allowed="$allowed" '
		BEGIN {
			while ((got = getline line < allowed) > 0)
				good["sha256:" substr(line, 1, 64)]
			if (got < 0 || !length(good)) {
				print bad = "no list of digests"
				exit
			}
		}
		FNR > 1 {
			name = substr($0, length($1) + 2)
			if ($1 == "violation")
				reason = "violation: " name
			else if (!($1 in good))
				reason = "unknown digest of " name
			else
				next
			if (!said[reason]++)
				print bad = reason
		}
		END { if (bad == "") print "trusted" }' "$dir/entries"
}

if [ "$command" = ask ]; then
	nonce=$(openssl rand -hex 20)
	ask "$5" "$nonce"
	echo "$nonce" > "$dir/nonce"
else
	nonce=$5
fi
quoted "$nonce" || die "no quote of this TPM for this question"
replays || die "the list is not what the TPM has"
booted || die "the list is of another boot"
judge
