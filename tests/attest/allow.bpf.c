// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let programs of FUSE filesystems be executed whose digest is allowed, and no
 * others.  The digest is what bpf_ima_file_hash() says, as bpf-helpers(7) has
 * it.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/hash_info.h>
#include <linux/magic.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define DIGEST_SIZE 32 /* of SHA-256, with which the kernel measures */

/* What is read of the kernel; the loader finds out where each field is. */
struct super_block {
	unsigned long s_magic;
} __attribute__((preserve_access_index));

struct inode {
	struct super_block *i_sb;
} __attribute__((preserve_access_index));

struct file {
	struct inode *f_inode;
} __attribute__((preserve_access_index));

struct linux_binprm {
	struct file *file;
} __attribute__((preserve_access_index));

struct digest {
	__u8 bytes[DIGEST_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct digest);
	__type(value, __u8);
} allowed SEC(".maps");

/* The digest of the last program that somebody asked to execute. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct digest);
} last SEC(".maps");

/* Before IMA measures the program, or after: it reads the file for this call,
 * too. */
SEC("lsm.s/bprm_check_security")
int BPF_PROG(allow, struct linux_binprm *bprm, int ret)
{
	struct digest digest = {};
	__u32 first = 0;

	if (ret || bprm->file->f_inode->i_sb->s_magic != FUSE_SUPER_MAGIC)
		return ret;
	if (bpf_ima_file_hash(bprm->file, &digest, sizeof(digest)) !=
	    HASH_ALGO_SHA256)
		return -EPERM;
	bpf_map_update_elem(&last, &first, &digest, BPF_ANY);
	return bpf_map_lookup_elem(&allowed, &digest) ? 0 : -EPERM;
}

char _license[] SEC("license") = "GPL";
