#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Which code changes s_iflags of a superblock that others may be using, and not
# atomically? Such a change can undo one that a remount makes at the same moment, and
# with it the option. No test hits so short a moment reliably, so this reads the source.
#
# usage: kernel/s_iflags.sh TREE: prints each such line, and fails if there is one
#
# It goes by functions: those of kernel/s_iflags.reviewed may. "fc" is an fs_context,
# which has one user.
set -eu -o pipefail
reviewed=$(cd "$(dirname "$0")" && pwd)/s_iflags.reviewed
cd "$1"

member='(->|[.])s_iflags'
assigned="${member}[[:space:]]*([-+|&^]?=[^=]|[-+|&^]=|\$)"
# by a pointer, as set_bit() does
address="&[A-Za-z_>.()-]*${member}|WRITE_ONCE[(][^,]*${member}"

# -p precedes each line by that of its function: FILE=function, FILE:line. That labels
# are none, git has to be told.
attributes=$(mktemp)
trap 'rm "$attributes"' EXIT
echo '*.[ch] diff=cpp' > "$attributes"
found=$({ git -c core.attributesFile="$attributes" grep --no-index -p -n -E \
		-e "$assigned" -e "$address" -- '*.[ch]' '*.rs' || :; } |
	awk -v member="$member" '
		FNR == NR { if (!/^#/) may[$1 " " $2] = 1; next }
		/^--$/ { next }
		/^[^:=]+=[0-9]+=/ {
			function_ = $0
			sub(/\(.*/, "", function_)
			sub(/.*[=* \t]/, "", function_)
			next
		}
		$0 ~ "[^A-Za-z0-9_>.]fc" member "[ \t]*[|&]?=" { next }
		/(set_mask_bits|READ_ONCE)\(&/ { next }
		{
			lines++
			file = $0
			sub(/:.*/, "", file)
			if (!((file " " function_) in may))
				print file " " function_ substr($0, length(file) + 1)
		}
		END { if (!lines) print "no line changes s_iflags: is this a whole tree?" }
	' "$reviewed" -)
[ -z "$found" ] || { echo "$found"; exit 1; }
