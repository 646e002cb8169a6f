# SPDX-License-Identifier: GPL-2.0-only
#
# Kernels, the module, openhv, the tools, and the images that the rig boots.

CACHE	:= $(O)/cache
IMAGES	:= $(O)/images
VM	:= tools/testing/vm
BUSYBOX	:= $(O)/busybox
# Where the module is built: for a kernel of ours, or for the one that KDIR names
MODULE_DIR := $(if $(KDIR),$(O)/modules/kdir,$(O)/modules/$(KERNEL))
ALL_MODULES := $(KERNELS:%=$(O)/modules/%/drivers/hv/mshv_root.ko)
ALL_IMAGES := $(KERNELS:%=$(IMAGES)/%/modules.cpio)

# What must be there is checked each time, which is quick, and makes nothing newer.
DEPS	:= deps-build deps-vm deps-kunit deps-style deps-crates deps-trixie deps-debian deps-fuzz
$(DEPS): deps-%:
	$(Q)scripts/deps $*

# --- Debian's kernels, as they were when they were first asked for -------------

# A kernel and its headers, together, so that they are of one version
ALL_KERNELS := $(KERNELS:%=$(O)/kernels/%/stamp)
$(STOCK_KERNELS:%=$(O)/kernels/%/stamp): $(O)/kernels/%/stamp: | deps-build
	$(Q)mkdir -p $(@D)
	$(Q)dir=$$(scripts/fetch-kernel $(CACHE) headers $*) && ln -sfn $$dir $(@D)/headers
	$(Q)dir=$$(scripts/fetch-kernel $(CACHE) image $*) && ln -sfn $$dir $(@D)/image
	$(Q)touch $@

# One that is built here: what others get of two packages is of one directory.
ROOT_KERNEL := tools/testing/root-kernel
$(BUILT_KERNELS:%=$(O)/kernels/%/stamp): $(O)/kernels/%/stamp: $(ROOT_KERNEL)/%.config | deps-kunit
	$(Q)mkdir -p $(@D)
	$(Q)source=$$(scripts/fetch-kernel $(CACHE) source $*@$(SUITE_$*)) && \
		dir=$$(scripts/build-kernel $(CACHE) root-kernel $$source allnoconfig $<) && \
		ln -sfn $$dir $(@D)/headers && ln -sfn $$dir/image $(@D)/image
	$(Q)touch $@

$(BUSYBOX): | deps-vm
	$(Q)mkdir -p $(@D)
	$(Q)dir=$$(scripts/fetch-kernel $(CACHE) package busybox-static) && \
		ln -sfn $$dir/bin/busybox $@

update-kernels: | deps-build	## fetch newer packages of the stock kernels, if there are any
	$(Q)rm -rf $(O)/kernels $(BUSYBOX)
	$(Q)$(MAKE) $(ALL_KERNELS) $(BUSYBOX)

# --- The module ----------------------------------------------------------------

# $(1): headers; $(2): build directory; $(3): arguments. One build at a time in each.
# O is ours: Kbuild would take one from our command line for its own. It has one where
# the kernel was built away from its source.
kbuild = +flock $(2).lock $(MAKE) -C $(1) M=$(2) V=$(V) $(3) \
	O=$$([ ! -e $(1)/source ] || readlink -f $(1))

$(ALL_MODULES): $(O)/modules/%/drivers/hv/mshv_root.ko: FORCE | $(O)/kernels/%/stamp
	$(Q)scripts/module-tree $(TOP) $(O)/modules/$*
	$(Q)$(call kbuild,$(O)/kernels/$*/headers,$(O)/modules/$*,modules)

modules: $(if $(KDIR),modules-kdir,$(O)/modules/$(KERNEL)/drivers/hv/mshv_root.ko)	## build mshv_root.ko for KERNEL, or for KDIR

modules-kdir: | deps-build
	$(Q)scripts/module-tree $(TOP) $(MODULE_DIR)
	$(Q)$(call kbuild,$(KDIR),$(MODULE_DIR),modules)

# --- openhv and the tools ------------------------------------------------------

# They say what they do by themselves. The "+" is for make to share its jobs with them.
SUBMAKE	= +$(MAKE) $(if $(filter 1,$(V)),,-s)

openhv: | deps-build	## build the hypervisor
	$(Q)$(SUBMAKE) -C tools/openhv O=$(O)/openhv V=$(V)

libmshv: | deps-build
	$(Q)$(SUBMAKE) -C tools/lib/mshv O=$(O)/libmshv V=$(V)

tools: libmshv	## build libmshv, the mshv command and the selftests
	$(Q)$(SUBMAKE) -C tools/mshv O=$(O)/mshv V=$(V)
	$(Q)$(SUBMAKE) -C tools/testing/selftests/mshv O=$(O)/selftests V=$(V)

units: tools openhv	## build the unit tests of openhv, libmshv and the mshv command
	$(Q)$(SUBMAKE) -C tools/openhv O=$(O)/openhv V=$(V) tests
	$(Q)$(SUBMAKE) -C tools/lib/mshv O=$(O)/libmshv V=$(V) tests
	$(Q)$(SUBMAKE) -C tools/mshv O=$(O)/mshv V=$(V) tests

# Tests that are not ours, as they were released
crates: | deps-crates	## build the mshv crates' own tests
	$(Q)tools/testing/crates/build $(CACHE) $(O)/crates

# Debian 13 with QEMU, as the root partition's user space
trixie: | deps-trixie	## make the user space that mshv-vm knows as --root trixie
	$(Q)mkdir -p $(IMAGES)
	$(Q)image=$$(scripts/fetch-trixie $(CACHE)) && ln -sfn $$image $(IMAGES)/trixie.squashfs

# What tests start other kernels by, and read what those have left
HELPERS	:= $(O)/vm/kexec $(O)/vm/vmcore
$(HELPERS): $(O)/vm/%: $(VM)/%.c | deps-build
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -static -O2 -Wall -Wextra -Werror -o $@ $<

# What QEMU's guests boot from
debian: | deps-debian	## make the disk that mshv-vm knows as --disk debian
	$(Q)mkdir -p $(IMAGES)
	$(Q)image=$$(scripts/fetch-debian-disk $(CACHE)) && ln -sfn $$image $(IMAGES)/debian.qcow2

# --- What the rig boots --------------------------------------------------------

# These are made anew each time, which takes less than a second.
$(ALL_IMAGES): $(IMAGES)/%/modules.cpio: $(O)/modules/%/drivers/hv/mshv_root.ko $(VM)/mkimage | deps-vm
	$(Q)mkdir -p $(@D)
	$(Q)$(VM)/mkimage modules --kernel $(O)/kernels/$*/image --module $< -o $@
	$(Q)cmp -s $(O)/kernels/$*/image/boot/vmlinuz-* $(@D)/vmlinuz || \
		cp $(O)/kernels/$*/image/boot/vmlinuz-* $(@D)/vmlinuz

images-common: openhv tools $(BUSYBOX) $(HELPERS)
	$(Q)mkdir -p $(IMAGES)
	$(Q)cp $(O)/openhv/openhv.elf $(IMAGES)/openhv.elf
	$(Q)$(VM)/mkimage guest --busybox $(BUSYBOX) -o $(IMAGES)/guest.cpio
	$(Q)$(VM)/mkimage base --busybox $(BUSYBOX) -o $(IMAGES)/base.cpio \
		--add $(O)/mshv/mshv:usr/bin/mshv \
		$(foreach helper,$(HELPERS),--add $(helper):usr/sbin/$(notdir $(helper))) \
		--add $(O)/selftests:selftests \
		--add $(VM)/tests/root:tests

images-qemu: trixie debian

images: images-common $(IMAGES)/$(KERNEL)/modules.cpio	## build all that a machine with KERNEL needs

images-all: images-common $(ALL_IMAGES)

.PHONY: $(DEPS) update-kernels modules modules-kdir openhv libmshv tools units crates trixie debian images-common images-qemu images images-all
