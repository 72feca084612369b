# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2207 # types and options hold no spaces
# bash completion of mount.ima_nocache(8)

_mount_ima_nocache()
{
	local cur prev word types
	COMPREPLY=()
	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD - 1]}
	case $prev in
	-t | --types)
		types=$(awk '{ print $NF }' /proc/filesystems)
		COMPREPLY=($(compgen -W "$types fuse. fuseblk. ima_nocache.fuse." -- "$cur"))
		return
		;;
	-o | --options)
		# the last of a list
		word=${cur##*,}
		compopt -o nospace
		COMPREPLY=($(compgen -P "${cur%"$word"}" -W "allow_other
			allow_root blksize= context= default_permissions fsname=
			fstype= drop_privileges max_read= nofail
			_netdev noexec remount ro rw setuid= subtype= timeout=" -- "$word"))
		return
		;;
	-N | --namespace)
		COMPREPLY=($(compgen -W "$(lsns --type mnt --output PATH --noheadings)" -- "$cur"))
		return
		;;
	esac
	case $cur in
	-*)
		COMPREPLY=($(compgen -W "-f -N -n -o -r -s -t -v -w
			--check --fake --help --namespace --options --read-only --rw
			--types --version" -- "$cur"))
		;;
	*)
		compopt -o filenames
		COMPREPLY=($(compgen -f -- "$cur"))
		;;
	esac
}
complete -F _mount_ima_nocache mount.ima_nocache
