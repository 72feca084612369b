# SPDX-License-Identifier: GPL-2.0-only
# make help tells what there is.

kernels := $(shell awk '!/^\#/ { print $$1 }' kernel/kernels)
default_kernel := $(shell kernel/default.sh)

export BUILD ?= build
export KERNEL KERNEL_TREE ACCEL FULL

VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)

CC = gcc
CFLAGS ?= -O2 -g
# the project's own checks set WERROR=-Werror: another compiler may warn of more
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -MMD -MP
LIBMOUNT = mount >= 2.38
MOUNT_CFLAGS = $(shell pkg-config --cflags '$(LIBMOUNT)')
MOUNT_LIBS = $(shell pkg-config --libs '$(LIBMOUNT)')
FUSE_CFLAGS = $(shell pkg-config --cflags fuse3)
FUSE_LIBS = $(shell pkg-config --libs fuse3)

helper_objs := $(patsubst %.c,$(BUILD)/%.o,$(wildcard mount-helper/*.c))
server_objs := $(addprefix $(BUILD)/tests/server/,switchfs.o files.o control.o)
ctl_objs := $(addprefix $(BUILD)/tests/server/,switchctl.o control.o)
bench_objs := $(addprefix $(BUILD)/tests/bench/,measure.o probes.o)
selftests := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/selftests/ima/*_test.c) \
	$(wildcard $(patsubst %,tests/%/*_test.c,filesystems model hostile attacks allocations options)))
# what they share
selftest_parts := $(filter-out %_test.c,$(wildcard tests/selftests/ima/*.c))

PROGRAMS := $(BUILD)/mount.ima_nocache $(BUILD)/unit/mount.ima_nocache $(BUILD)/switchfs $(BUILD)/switchctl \
	$(BUILD)/fault $(BUILD)/measure $(BUILD)/confined $(BUILD)/linked $(BUILD)/progs/prog1 \
	$(BUILD)/progs/prog2 $(selftests)

.DELETE_ON_ERROR:
.PHONY: help demo demo-attest shell check check-debug check-long check-real check-peers check-hosts check-install check-livepatch bench programs packages patches applies kernel-deb livepatch dist lint clean

help:
	@echo 'make demo      see on real kernels what IMA misses, and what $(option) catches'
	@echo 'make demo-attest  who is deceived when a machine is attested that has a TPM'
	@echo 'make check     all tests'
	@echo 'make check-debug  those about the kernel, on kernels with KASAN and lockdep'
	@echo 'make check-long   what is made up, much of it, and everything at once: hours'
	@echo 'make check-real   FUSE programs, fstab, systemd and containers, in a whole Debian'
	@echo 'make check-peers  test suites of other projects, with the patches and without'
	@echo 'make check-hosts  make demo in a new minimal Debian'
	@echo 'make check-install  the packages of kernel and helper on an installed Debian'
	@echo 'make check-livepatch  the live patch on the kernels of Debian 12 and 13'
	@echo 'make bench     what the option costs, in executed instructions'
	@echo 'make shell     a shell in a guest with the patched kernel'
	@echo 'make programs  the helper and the programs of the tests, in $(BUILD)/'
	@echo 'make lint      the checks of style alone'
	@echo 'make patches   the series for KERNEL, or KERNEL_TREE, in $(BUILD)/patches/'
	@echo 'make kernel-deb  packages of the kernel of Debian with them, in $(BUILD)/kernel-deb/'
	@echo 'make livepatch  a live patch for a kernel of Debian as it is, in $(BUILD)/livepatch/'
	@echo 'make applies   to which of the kernels that Debian has they apply'
	@echo 'make install   the helper, its man pages and completion: prefix=, sbindir=, DESTDIR=, ...'
	@echo 'make uninstall what make install has put there'
	@echo 'make deb       a Debian package of the same, in $(BUILD)/'
	@echo 'make dist      a release: source, series, package and their sums, in $(BUILD)/dist/'
	@echo 'make clean     remove $(BUILD)/'
	@echo
	@echo 'KERNEL=K       which kernel of $(kernels), instead of $(default_kernel)'
	@echo 'FULL=1         for make check with a KERNEL: its part of KERNEL=all, which takes hours'
	@echo 'KERNEL_TREE=D  its source, instead of the one that Debian has'
	@echo 'UNPATCHED=1    for make shell: the kernel without the series'
	@echo 'FLAVOUR=F      for make kernel-deb: amd64 or cloud-amd64, whose configuration it has'
	@echo 'CONFIG=FILE    for make kernel-deb: that configuration, such as one of /boot'
	@echo 'LOCALMODCONFIG=1  for make kernel-deb: only the modules that this machine has loaded'
	@echo 'RELEASE=R      for make check-hosts: bookworm, trixie or testing, instead of trixie;'
	@echo '               for make check-install: bookworm or trixie, instead of both'
	@echo 'ACCEL=kvm|tcg  how QEMU runs the guests, instead of trying'
	@echo 'JOBS=N         how many guests of a check run side by side, instead of 2'
option := ima_nocache

demo:
	@tests/demo.sh

demo-attest:
	@tests/attest/demo.sh

shell:
	@tests/shell.sh

check:
	@tests/check.sh

check-debug:
	@tests/check.sh debug

check-long:
	@tests/long/long.sh

check-real:
	@tests/real/check.sh

check-peers:
	@tests/peers/check.sh

check-hosts:
	@tests/hosts/check.sh

check-install:
	@tests/install/check.sh

check-livepatch:
	@tests/livepatch/check.sh

bench:
	@tests/bench/bench.sh

lint:
	@setup/install-packages.sh build lint
	@kernel/build.sh $(or $(KERNEL),$(default_kernel)) patched
	@tests/lint.sh $(or $(KERNEL),$(default_kernel))

packages:
	@setup/install-packages.sh build

patches: packages
	@kernel/build.sh $(or $(KERNEL),$(default_kernel)) patches

applies: packages
	@kernel/applies.sh

kernel-deb:
	@setup/install-packages.sh build kerneldeb
	@kernel/deb.sh $(or $(KERNEL),$(default_kernel))

livepatch:
	@setup/install-packages.sh build livepatch
	@kernel/livepatch.sh $(or $(KERNEL),$(default_kernel))

programs: $(PROGRAMS)

$(BUILD)/mount.ima_nocache: $(helper_objs)
	$(CC) $(LDFLAGS) -o $@ $^ $(MOUNT_LIBS)

$(BUILD)/mount-helper/%.o: mount-helper/%.c | libmount
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -DVERSION='"$(VERSION)"' $(MOUNT_CFLAGS) -c -o $@ $<

.PHONY: libmount
libmount:
	@pkg-config --exists '$(LIBMOUNT)' || { echo "the helper needs libmount with its headers," \
		"2.38 or newer (libmount-dev); this is $$(pkg-config --modversion mount 2> /dev/null || \
		echo none)" >&2; exit 1; }

$(BUILD)/switchfs: $(server_objs)
	$(CC) $(LDFLAGS) -o $@ $^ $(FUSE_LIBS)

$(BUILD)/switchctl: $(ctl_objs)
	$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/measure: $(bench_objs)
	$(CC) $(LDFLAGS) -o $@ $^

$(BUILD)/confined: tests/lsm/confined.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CFLAGS)) -o $@ $<

# In a root of its own that has all its files in one directory.
$(BUILD)/linked: tests/programs/hello.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CFLAGS)) -Wl,--dynamic-linker=/ld.so,-rpath=/ -o $@ $<

# for the tests of BPF alone
$(BUILD)/attach: tests/attest/attach.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CFLAGS)) -o $@ $< -lbpf

$(BUILD)/allow.bpf.o: tests/attest/allow.bpf.c
	@mkdir -p $(@D)
	clang -target bpf -O2 -g -Wall -I/usr/include/$(shell $(CC) -print-multiarch) -c -o $@ $<

$(BUILD)/tests/bench/%.o: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/server/%.o: tests/server/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(FUSE_CFLAGS) -c -o $@ $<

$(BUILD)/fault: tests/helper/fault.c $(BUILD)/syscall_names.h
	$(CC) $(filter-out -MMD -MP,$(CFLAGS)) -I$(BUILD) -o $@ $<

$(BUILD)/syscall_names.h:
	@mkdir -p $(@D)
	echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z0-9_]*\) [0-9]*$$/[__NR_\1] = "\1",/p' > $@

# The harness is the kernel's own, taken from the tree that was built.
harness = $(BUILD)/kernel/$(or $(KERNEL),$(default_kernel))-patched
$(selftests): $(BUILD)/%: %.c $(selftest_parts) $(wildcard tests/selftests/ima/*.h) | $(harness)
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CFLAGS)) -isystem $(harness) $(FUSE_CFLAGS) -o $@ $< \
		$(filter-out $<,$(filter %.c,$^)) -pthread $(FUSE_LIBS)

$(BUILD)/tests/model/model_test: tests/model/stage.c tests/model/steps.c tests/model/model.h tests/model/random.h
$(BUILD)/tests/hostile/hostile_test: tests/hostile/device.c tests/hostile/hostile.h
$(filter $(BUILD)/tests/attacks/%,$(selftests)): tests/attacks/attack.c tests/attacks/attack.h
$(BUILD)/tests/options/fuzz_test: $(addprefix tests/options/,calls.c grammar.c strings.c fuzz.h) tests/model/random.h

$(BUILD)/kernel/%-patched:
	@kernel/build.sh $* patched

$(BUILD)/progs/prog1: tests/programs/hello.c
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP,$(CFLAGS)) -static -o $@ $<

# The same but for the digit, so that a switch changes no size.
$(BUILD)/progs/prog2: $(BUILD)/progs/prog1
	sed 's/hello world: 1/hello world: 2/' $< > $@.tmp
	! cmp -s $< $@.tmp
	chmod +x $@.tmp
	mv $@.tmp $@

# --- tests of the helper on this machine: sanitized, so apart from the rest --------

SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all
unit_objs := $(patsubst %.c,$(BUILD)/unit/%.o,tests/unit/request_test.c \
	$(addprefix mount-helper/,arguments.c options.c processes.c report.c request.c))

.PHONY: unit
unit: $(BUILD)/request_test $(BUILD)/unit/mount.ima_nocache

$(BUILD)/request_test: $(unit_objs)
	$(CC) $(LDFLAGS) $(SANITIZE) -o $@ $^ $(MOUNT_LIBS)

$(BUILD)/options_fuzz: tests/unit/options_fuzz.c $(addprefix mount-helper/,options.c processes.c \
	report.c request.c)
	clang -g -O1 -std=gnu11 -D_GNU_SOURCE -Imount-helper -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $(MOUNT_CFLAGS) -o $@ $^ $(MOUNT_LIBS)

# static: for guests, too, which have not these libraries
$(BUILD)/unit/mount.ima_nocache: $(helper_objs:$(BUILD)/%=$(BUILD)/unit/%)
	$(CC) $(LDFLAGS) $(SANITIZE) -static-libasan -static-libubsan -o $@ $^ $(MOUNT_LIBS)

$(BUILD)/unit/%.o: %.c | libmount
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(SANITIZE) -Imount-helper -DVERSION='"$(VERSION)"' \
		$(MOUNT_CFLAGS) -c -o $@ $<

# --- installation ------------------------------------------------------------------

prefix = /usr
# where mount(8) looks, and nowhere else
sbindir = /sbin
mandir = $(prefix)/share/man
bashcompletiondir = $(prefix)/share/bash-completion/completions
# FUSE programs whose own type is to take the option: FUSE_NAMES="squashfuse ..."
FUSE_NAMES =
INSTALL = install

installed_links := mount.ima_nocache.fuse mount.ima_nocache.fuseblk \
	$(addprefix mount.fuse.,$(FUSE_NAMES))

# whether the link $$file is one of ours, or made by hand for a FUSE program
links_to_us = case $$(readlink "$$file") in \
	mount.ima_nocache|*/mount.ima_nocache) true ;; *) false ;; esac

.PHONY: install uninstall
install: $(BUILD)/mount.ima_nocache
	@for link in $(installed_links); do \
		file=$(DESTDIR)$(sbindir)/$$link; \
		{ [ ! -e "$$file" ] && [ ! -L "$$file" ]; } || $(links_to_us) || \
			{ echo "$$file: is there already, and not ours" >&2; exit 1; }; \
	done
	$(INSTALL) -d $(DESTDIR)$(sbindir) $(DESTDIR)$(mandir)/man7 \
		$(DESTDIR)$(mandir)/man8 $(DESTDIR)$(bashcompletiondir)
	$(INSTALL) -m 755 $(BUILD)/mount.ima_nocache $(DESTDIR)$(sbindir)/
	for link in $(installed_links); do \
		ln -sf mount.ima_nocache $(DESTDIR)$(sbindir)/$$link || exit; \
	done
	$(INSTALL) -m 644 man/mount.ima_nocache.8 $(DESTDIR)$(mandir)/man8/
	$(INSTALL) -m 644 man/ima_nocache.7 $(DESTDIR)$(mandir)/man7/
	$(INSTALL) -m 644 mount-helper/mount.ima_nocache.bash \
		$(DESTDIR)$(bashcompletiondir)/mount.ima_nocache

uninstall:
	for file in $(DESTDIR)$(sbindir)/mount.fuse.*; do \
		! $(links_to_us) || rm -f "$$file" || exit; \
	done
	cd / && rm -f $(addprefix $(abspath $(DESTDIR)$(sbindir))/,mount.ima_nocache \
		mount.ima_nocache.fuse mount.ima_nocache.fuseblk) \
		$(abspath $(DESTDIR)$(mandir))/man8/mount.ima_nocache.8 \
		$(abspath $(DESTDIR)$(mandir))/man7/ima_nocache.7 \
		$(abspath $(DESTDIR)$(bashcompletiondir))/mount.ima_nocache

# A Debian package of the helper; FUSE_NAMES as for install.
.PHONY: deb
deb:
	@setup/install-packages.sh deb
	debian/build.sh

dist:
	@setup/install-packages.sh build deb
	@setup/dist.sh

clean:
	rm -rf $(BUILD)

-include $(helper_objs:.o=.d) $(server_objs:.o=.d) $(ctl_objs:.o=.d) \
	$(bench_objs:.o=.d) \
	$(unit_objs:.o=.d) $(helper_objs:$(BUILD)/%.o=$(BUILD)/unit/%.d)
