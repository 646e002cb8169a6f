# SPDX-License-Identifier: GPL-2.0-only
#
# One way in to everything: `make help` says what there is. Kbuild holds what the kernel's
# build system is told of the module; each part has a Makefile of its own.

KERNEL	?= 6.12
SMP	?= 2
ACCEL	?= tcg
VMM	?= mshv
V	?= 0
O	?= build
PREFIX	?= /usr/local
ONLY	?=

override O := $(abspath $(O))
TOP	:= $(CURDIR)
Q	:= $(if $(filter 1,$(V)),,@)
# Debian's kernels as they are, and those that are built here from Debian's source of them,
# each in the suite that has it
STOCK_KERNELS := 6.1 6.12
BUILT_KERNELS := 7.3
SUITE_7.3 := trixie-backports
KERNELS	:= $(STOCK_KERNELS) $(BUILT_KERNELS)

ifeq ($(filter $(KERNEL),$(KERNELS)),)
$(error KERNEL=$(KERNEL): must be one of $(KERNELS))
endif
ifeq ($(filter $(ACCEL),tcg kvm),)
$(error ACCEL=$(ACCEL): must be tcg or kvm)
endif
ifeq ($(filter $(VMM),mshv qemu),)
$(error VMM=$(VMM): must be mshv or qemu)
endif

MAKEFLAGS += --no-print-directory
export PYTHONDONTWRITEBYTECODE := 1
# depmod, modinfo, for users who do not have them there
export PATH := $(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := help

include scripts/make/build.mk
include scripts/make/run.mk
include scripts/make/install.mk
include scripts/make/style.mk

# The lines that start with a name and "##", in all parts of this
help:	## this text
	@echo 'Targets:'
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18
	@echo 'Variables:'
	@echo '  KERNEL=SERIES   the kernel to run or build for: $(KERNELS) (now $(KERNEL))'
	@echo '  SMP=N           processors of the root partition (now $(SMP))'
	@echo '  ACCEL=tcg|kvm   kvm needs nested SVM (now $(ACCEL))'
	@echo '  VMM=mshv|qemu   the VMM that make run boots its guest by (now $(VMM))'
	@echo '  KDIR=DIR        build the module for the kernel whose headers are there'
	@echo '  ONLY=REGEX      run only tests whose name matches'
	@echo '  JOBS=N          run N tests at a time (now as many as processors, if memory allows)'
	@echo '  O=DIR           where everything is built (now $(O:$(TOP)/%=%))'
	@echo '  V=1             show the commands'

clean:	## remove what was built; keep fetched packages and the KUnit kernel
	$(Q)[ ! -d $(O) ] || find $(O) -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +

distclean:	## remove what was built and fetched
	$(Q)rm -rf $(O)

FORCE:

.PHONY: help clean distclean FORCE
