// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ask the kernel for the digests that it gives BPF programs: write a path to the
 * parameter "path", then read "file" and "inode", a digest or an error number.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ima.h>
#include <linux/module.h>

static char file[65];
static char inode[65];

static void show(char text[65], int ret, const char digest[32])
{
	if (ret < 0)
		snprintf(text, 65, "%d", ret);
	else
		snprintf(text, 65, "%*phN", 32, digest);
}

static int set_path(const char *value, const struct kernel_param *param)
{
	char path[256], digest[32];
	struct file *f;

	strscpy(path, value, sizeof(path));
	f = filp_open(strim(path), O_RDONLY, 0);
	if (IS_ERR(f))
		return PTR_ERR(f);
	show(inode, ima_inode_hash(file_inode(f), digest, sizeof(digest)), digest);
	show(file, ima_file_hash(f, digest, sizeof(digest)), digest);
	fput(f);
	return 0;
}

static const struct kernel_param_ops path_ops = { .set = set_path };

module_param_cb(path, &path_ops, NULL, 0200);
MODULE_PARM_DESC(path, "file to ask about");
module_param_string(file, file, sizeof(file), 0400);
MODULE_PARM_DESC(file, "what ima_file_hash() said");
module_param_string(inode, inode, sizeof(inode), 0400);
MODULE_PARM_DESC(inode, "what ima_inode_hash() said");
MODULE_DESCRIPTION("Shows the digests that ima_file_hash() and ima_inode_hash() give");
MODULE_LICENSE("GPL");
