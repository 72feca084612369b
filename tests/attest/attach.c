// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load a BPF object, attach its programs, and pin all of it: what "bpftool prog
 * loadall OBJECT DIR pinmaps DIR autoattach" does, which some versions of
 * bpftool do not know.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what, long err)
{
	fprintf(stderr, "attach: %s: %s\n", what, strerror((int)-err));
	return EXIT_FAILURE;
}

/* The programs stay attached by the links that are pinned. */
static int attach(struct bpf_program *prog, const char *dir)
{
	struct bpf_link *link = bpf_program__attach(prog);
	char path[256];
	long err = libbpf_get_error(link);

	if (err)
		return (int)err;
	if (snprintf(path, sizeof(path), "%s/%s", dir,
		     bpf_program__name(prog)) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return bpf_link__pin(link, path);
}

int main(int argc, char **argv)
{
	struct bpf_program *prog;
	struct bpf_object *obj;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: attach OBJECT DIR\n");
		return EXIT_FAILURE;
	}
	obj = bpf_object__open_file(argv[1], NULL);
	if (libbpf_get_error(obj))
		return fail(argv[1], libbpf_get_error(obj));
	err = bpf_object__load(obj);
	if (err)
		return fail("loading", err);
	bpf_object__for_each_program(prog, obj)
	{
		err = attach(prog, argv[2]);
		if (err)
			return fail(bpf_program__name(prog), err);
	}
	err = bpf_object__pin_maps(obj, argv[2]);
	if (err)
		return fail(argv[2], err);
	return EXIT_SUCCESS;
}
