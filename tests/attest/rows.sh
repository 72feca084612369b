# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after jobs.sh: machines under attestation, each with another attack.

# Kernel, what the attacker mounts with, how their server behaves, and what must come of it:
# which program ran before and after the switch, and what the verifier says then. Before it,
# the verifier trusts each machine.
attest_rows() {
	cat << END
$1 none none 1 2 trusted
patched ima_nocache none 1 2 unknown digest of /mnt/attack/prog1
patched ima_nocache failing 1 2 violation: /mnt/attack/prog1
patched ima_nocache=bind liar 1 1 trusted
END
}
# what the TPM knows the key for attestation by
AK=0x81010002
# In the environment: CONFIG, what the kernels were built with, see kernel/build.sh.

# attest_dir KERNEL-VARIANT OPTION SERVER
attest_dir() {
	echo "$BUILD/attest/$1${CONFIG:+-$CONFIG}-$2-$3"
}

verifier() {
	tests/attest/verifier.sh "$1" "$BUILD/attest/ak.pem" "$BUILD/images/attest.allowed" "${@:2}"
}

# enroll DIR: a TPM 2.0 with a key that signs nothing but what the TPM itself says, and its
# public half, ak.pem, which the machine's owner gives to the verifier
enroll() {
	local socket
	rm -rf "$1"
	mkdir -p "$1"
	socket=$(mktemp -d)
	swtpm socket --tpm2 --tpmstate "dir=$(realpath "$1")" --ctrl "type=unixio,path=$socket/tpm.ctrl" \
		--server "type=unixio,path=$socket/tpm" --flags not-need-init,startup-clear \
		--daemon --pid "file=$socket/pid"
	(
		export TPM2TOOLS_TCTI=swtpm:path=$socket/tpm
		tpm2_createprimary -Q -C o -G ecc256:ecdsa-sha256:null -c "$1/ak" \
			-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' &&
			tpm2_flushcontext -t &&
			tpm2_readpublic -Q -c "$1/ak" -f pem -o "$1/ak.pem" &&
			tpm2_flushcontext -t &&
			tpm2_evictcontrol -Q -C o -c "$1/ak" "$AK" &&
			tpm2_shutdown
	) || { kill "$(cat "$socket/pid")"; return 1; }
	kill "$(cat "$socket/pid")"
	rm -r "$socket"
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

# forged KERNEL-VARIANT: what a machine could try that its verifier does not believe
forged() {
	local dir other=$BUILD/attest/other
	dir=$(attest_dir "$1" ima_nocache none)
	judged its-own-answer-is-judged-again "$(cat "$dir/verdict.2")" \
		verifier judge "$dir/2" "$(cat "$dir/2/nonce")"
	judged an-old-answer-is-refused "no quote of this TPM for this question" \
		verifier judge "$dir/1" "$(cat "$dir/2/nonce")"
	enroll "$other"
	judged another-TPM-is-refused "no quote of this TPM for this question" \
		tests/attest/verifier.sh judge "$other/ak.pem" "$BUILD/images/attest.allowed" \
		"$dir/2" "$(cat "$dir/2/nonce")"
	# the list before the switch, with what the TPM says after it
	rm -rf "$dir/cut"
	cp -r "$dir/2" "$dir/cut"
	cp "$dir/1/list" "$dir/cut/list"
	judged a-list-without-its-end-is-refused "the list is not what the TPM has" \
		verifier judge "$dir/cut" "$(cat "$dir/2/nonce")"
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
		read -r before after < "$dir/ran"
		first=$(cat "$dir/verdict.1") second=$(paste -sd , "$dir/verdict.2")
		outcome="not deceived"
		[ "$second" != trusted ] || [ "$before" = "$after" ] || outcome=DECEIVED
		# shellcheck disable=SC2059
		printf "$format" "$variant" "$option" "${server/none/switching}" \
			"$before -> $after" "$first" "$second" "$outcome"
	done < <(attest_rows "$2")
}
