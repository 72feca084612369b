# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Sourced after jobs.sh: machines under attestation, each with another attack.

# In the environment: CONFIG, what the kernels were built with, see kernel/build.sh.
# what the TPM knows the key for attestation by
AK=0x81010002

# Each line has a kernel, what the attacker mounts with, how their server behaves, and what
# must come of it: the programs that ran before and after the switch, and what the verifier
# says after it. Before it, the verifier trusts each machine.
attest_rows() {
	cat << END
$1 none none 1 2 trusted
patched ima_nocache none 1 2 unknown digest of /mnt/attack/prog1
patched ima_nocache failing 1 2 violation: /mnt/attack/prog1
patched ima_nocache=bind liar 1 1 trusted
END
}
# attest_dir KERNEL-VARIANT OPTION SERVER
attest_dir() {
	echo "$BUILD/attest/$1${CONFIG:+-$CONFIG}-$2-$3"
}

verifier() {
	tests/attest/verifier.sh "$1" "$BUILD/attest/ak.pem" "$BUILD/images/attest.allowed" "${@:2}"
}

# with_tpm DIR COMMAND...: with the TPM that has its state there
with_tpm() {
	local socket status=0
	socket=$(mktemp -d)
	swtpm socket --tpm2 --tpmstate "dir=$(realpath "$1")" --ctrl "type=unixio,path=$socket/tpm.ctrl" \
		--server "type=unixio,path=$socket/tpm" --flags not-need-init,startup-clear \
		--daemon --pid "file=$socket/pid"
	TPM2TOOLS_TCTI=swtpm:path=$socket/tpm "${@:2}" || status=$?
	TPM2TOOLS_TCTI=swtpm:path=$socket/tpm tpm2_shutdown || status=$?
	kill "$(cat "$socket/pid")"
	rm -r "$socket"
	return "$status"
}

make_key() {
	tpm2_createprimary -Q -C o -G ecc256:ecdsa-sha256:null -c "$1/ak" \
		-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' &&
		tpm2_flushcontext -t && tpm2_readpublic -Q -c "$1/ak" -f pem -o "$1/ak.pem" &&
		tpm2_flushcontext -t && tpm2_evictcontrol -Q -C o -c "$1/ak" "$AK"
}

# enroll DIR: a TPM 2.0 with a key that signs nothing but what the TPM itself says, and its
# public half, ak.pem, which the machine's owner gives to the verifier
enroll() {
	rm -rf "$1"
	mkdir -p "$1"
	with_tpm "$1" make_key "$1"
}

# attested KERNEL-VARIANT OPTION SERVER: one machine, from its boot to its end
attested() {
	local dir name=attest-$2-$3 machine n
	dir=$(attest_dir "$@")
	rm -rf "$dir"
	mkdir -p "$dir/tpm"
	cp "$BUILD/attest/tpm2-00.permall" "$dir/tpm/"
	mkfifo "$dir/line.in" "$dir/line.out"
	GUEST_TPM=$dir/tpm GUEST_LINE=$dir/line GUEST_MORE=attest.gz \
		guest "$name" "$1${CONFIG:+-$CONFIG}" "RUN=machine.guest AK=$AK OPTION=$2 SERVER=$3" &
	machine=$!
	for n in 1 2; do
		verifier ask "$dir/$n" "$dir/line" > "$dir/verdict.$n" || :
	done
	wait "$machine" || echo "not ok - $1: the guest $name ended well" >> "$results"
	sed -n 's/^ran //p' "$(guest_dir "$name" "$1${CONFIG:+-$CONFIG}")/report" > "$dir/ran"
}

# judged NAME TEXT COMMAND...: the verifier says TEXT
judged() {
	local said
	said=$("${@:3}") || :
	if [ "$said" = "$2" ]; then
		echo "ok - attest.$1"
	else
		echo "# it says $said"
		echo "not ok - attest.$1"
	fi >> "$results"
}

# row KERNEL VARIANT OPTION SERVER BEFORE AFTER VERDICT...
row() {
	local dir name=$2-$3-$4
	attested "$1-$2" "$3" "$4"
	dir=$(attest_dir "$1-$2" "$3" "$4")
	judged "$name-is-trusted-before" trusted cat "$dir/verdict.1"
	judged "$name-ran-$5-and-$6" "$5 $6" cat "$dir/ran"
	judged "$name-comes-out-as-${7%%[: ]*}" "${*:7}" cat "$dir/verdict.2"
}

# A restricted key signs what is no quote, if the TPM did not make it.
sign_no_quote() {
	perl -pe 's/^\xffTCG/\xffTCH/' "$1/message" > "$1/made-up" && mv "$1/made-up" "$1/message" &&
		tpm2_hash -Q -C o -g sha256 -t "$1/ticket" -o "$1/digest" "$1/message" &&
		tpm2_sign -Q -c "$AK" -g sha256 -d -t "$1/ticket" -o "$1/signature" "$1/digest"
}

# PCR 16, which everybody may set, for 10
quote_another_pcr() {
	tpm2_quote -Q -c "$AK" -l sha256:0,1,2,3,4,5,6,7,8,9,16 -g sha256 -q "$2" \
		-m "$1/message" -s "$1/signature" -o "$1/pcrs" &&
		perl -0pi -e 's/\xff\x03\x01/\xff\x07\x00/' "$1/pcrs"
}

# forged NAME FROM TEXT COMMAND...: the verifier says TEXT to the answer in FROM, on which
# COMMAND was run
forged() {
	local dir=$2.forged
	rm -rf "$dir"
	cp -r "$2" "$dir"
	if (cd "$dir/answer" && "${@:4}") > "$dir/log" 2>&1; then
		judged "$1" "$3" verifier judge "$dir" "$(cat "$2/nonce")"
	else
		sed 's/^/# /' "$dir/log" >> "$results"
		echo "not ok - attest.$1" >> "$results"
	fi
}

# forgeries KERNEL-VARIANT: what could be tried, and must not be believed
forgeries() {
	local dir failing other=$BUILD/attest/other unknown="unknown digest of /mnt/attack/prog1"
	local no_quote="no quote of this TPM for this question" not_the_list="the list is not what the TPM has"
	local forge=$PWD/tests/attest/forge.pl
	dir=$(realpath "$(attest_dir "$1" ima_nocache none)")
	failing=$(realpath "$(attest_dir "$1" ima_nocache failing)")
	forged an-answer-as-it-was "$dir/2" "$unknown" true
	judged an-old-answer-is-refused "$no_quote" verifier judge "$dir/1" "$(cat "$dir/2/nonce")"
	enroll "$other"
	judged another-TPM-is-refused "$no_quote" tests/attest/verifier.sh judge "$other/ak.pem" \
		"$BUILD/images/attest.allowed" "$dir/2" "$(cat "$dir/2/nonce")"
	judged nothing-is-allowed-by-an-empty-list "no list of digests" tests/attest/verifier.sh judge \
		"$BUILD/attest/ak.pem" /dev/null "$dir/1" "$(cat "$dir/1/nonce")"
	forged what-is-no-quote-is-refused "$dir/2" "$no_quote" with_tpm "$dir/tpm" sign_no_quote .
	forged a-quote-of-another-PCR-is-refused "$dir/2" "$no_quote" \
		with_tpm "$dir/tpm" quote_another_pcr . "$(cat "$dir/2/nonce")"
	forged a-list-without-its-end-is-refused "$dir/2" "$not_the_list" cp "$dir/1/answer/list" list
	forged a-list-of-another-PCR-is-refused "$dir/2" "$not_the_list" perl "$forge" pcr list
	forged the-name-of-a-template-is-not-believed "$dir/2" "$unknown" perl "$forge" template list
	forged the-data-of-a-violation-are-not-believed "$failing/2" "violation: /good" perl "$forge" violation list
}

# each_row KERNEL CONTROL [begin]: one machine after another, or as begin has it
each_row() {
	local line
	while read -r line; do
		# shellcheck disable=SC2086 # words
		${3:-} row "$1" $line
	done < <(attest_rows "$2")
}

# print_rows KERNEL CONTROL
print_rows() {
	local format='%-8s %-17s %-10s %-8s %-9s %-36s %s\n'
	local variant option server before after dir first second outcome
	echo
	# shellcheck disable=SC2059 # it is one
	printf "$format" \
		kernel "attacker" server prog1 verifier "verifier after" "verifier is" \
		"" "mounts with" "" printed before "the switch" ""
	while read -r variant option server before after _; do
		dir=$(attest_dir "$1-$variant" "$option" "$server")
		read -r before after < "$dir/ran" || before=- after=-
		first=$(cat "$dir/verdict.1") second=$(paste -sd , "$dir/verdict.2")
		outcome="not deceived"
		[ "$second" != trusted ] || [ "$before" = "$after" ] || outcome=DECEIVED
		# shellcheck disable=SC2059
		printf "$format" "$variant" "$option" "${server/none/switching}" \
			"$before -> $after" "$first" "$second" "$outcome"
	done < <(attest_rows "$2")
}
