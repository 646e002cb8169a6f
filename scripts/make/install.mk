# SPDX-License-Identifier: GPL-2.0-only
#
# Install the module for a kernel of the host, and the rig and the tools for its users.

# The kernel of the host, unless KDIR names another
HOST_KDIR = $(or $(KDIR),/lib/modules/$(shell uname -r)/build)
RIG_DIR	= $(DESTDIR)$(PREFIX)/lib/mshv-vm
DKMS_NAME = $(shell sed -n 's/^PACKAGE_NAME="\(.*\)"/\1/p' dkms.conf)
DKMS_VERSION = $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
DKMS_SOURCE = $(DESTDIR)/usr/src/$(DKMS_NAME)-$(DKMS_VERSION)

# A kernel that was configured to sign its modules itself does so. To sign for another
# (Debian's do not): MODULE_SIGN_KEY=FILE.priv MODULE_SIGN_CERT=FILE.der
# The module is linked anew, so that it is never signed twice.
modules_install:	## build mshv_root.ko for the running kernel (or KDIR) and install it
	$(Q)rm -f $(O)/modules/kdir/drivers/hv/mshv_root.ko
	$(Q)$(MAKE) modules KDIR=$(HOST_KDIR)
	$(if $(MODULE_SIGN_KEY),$(Q)$(HOST_KDIR)/scripts/sign-file $(or $(MODULE_SIGN_HASH),sha256) \
		$(MODULE_SIGN_KEY) $(MODULE_SIGN_CERT) $(O)/modules/kdir/drivers/hv/mshv_root.ko)
	$(Q)$(call kbuild,$(HOST_KDIR),$(O)/modules/kdir,modules_install)

# With DESTDIR only the sources are put there, for a package to do the rest. What DKMS
# has built of older sources that have the same version would not be built anew.
dkms-install:	## give the module to DKMS, which builds it for each kernel
	$(Q)[ -n "$(DESTDIR)" ] || command -v dkms >/dev/null || \
		{ echo 'dkms is not installed' >&2; exit 1; }
	$(Q)scripts/module-tree --copy $(TOP) $(DKMS_SOURCE)
	$(Q)[ -n "$(DESTDIR)" ] || [ -z "$$(dkms status $(DKMS_NAME)/$(DKMS_VERSION))" ] || \
		dkms remove $(DKMS_NAME)/$(DKMS_VERSION) --all
	$(Q)[ -n "$(DESTDIR)" ] || dkms install $(DKMS_NAME)/$(DKMS_VERSION)

# udev and systemd-sysusers look below /usr, /usr/local and /etc.
install-rules:
	$(Q)install -d $(DESTDIR)$(PREFIX)/lib/udev/rules.d $(DESTDIR)$(PREFIX)/lib/sysusers.d
	$(Q)sed 's|@BINDIR@|$(PREFIX)/bin|' drivers/hv/packaging/70-mshv.rules.in \
		>$(DESTDIR)$(PREFIX)/lib/udev/rules.d/70-mshv.rules
	$(Q)install -m 644 drivers/hv/packaging/mshv.sysusers \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/mshv.conf

# Kernels that were made ready before, for make install to bring up to date and install, too
READY_IMAGES := $(wildcard $(ALL_IMAGES))

install: images $(READY_IMAGES) install-rules	## install mshv-vm, what it boots, the mshv command and libmshv below PREFIX
	$(Q)install -d $(RIG_DIR)/mshv_vm $(RIG_DIR)/images $(DESTDIR)$(PREFIX)/bin \
		$(DESTDIR)$(PREFIX)/share/man/man1
	$(Q)install -m 755 $(VM)/mshv-vm $(RIG_DIR)/
	$(Q)install -m 644 $(VM)/mshv_vm/*.py $(RIG_DIR)/mshv_vm/
	$(Q)install -m 644 $(IMAGES)/openhv.elf $(IMAGES)/*.cpio $(RIG_DIR)/images/
	$(Q)set -e; for image in trixie.squashfs debian.qcow2; do \
		[ ! -e $(IMAGES)/$$image ] || install -m 644 $(IMAGES)/$$image $(RIG_DIR)/images/; \
	done
	$(Q)set -e; for k in $(sort $(KERNEL) $(READY_IMAGES:$(IMAGES)/%/modules.cpio=%)); do \
		install -d $(RIG_DIR)/images/$$k; \
		install -m 644 $(IMAGES)/$$k/* $(RIG_DIR)/images/$$k/; \
	done
	$(Q)ln -sf ../lib/mshv-vm/mshv-vm $(DESTDIR)$(PREFIX)/bin/mshv-vm
	$(Q)install -m 644 $(VM)/mshv-vm.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	$(Q)$(MAKE) -C tools/lib/mshv O=$(O)/libmshv PREFIX=$(PREFIX) install
	$(Q)$(MAKE) -C tools/mshv O=$(O)/mshv PREFIX=$(PREFIX) install

.PHONY: modules_install dkms-install install-rules install
