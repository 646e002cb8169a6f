# SPDX-License-Identifier: GPL-2.0-only
#
# Boot what was built, and test it.

MSHV_VM	= MSHV_VM_IMAGES=$(IMAGES) $(VM)/mshv-vm
MACHINE	= --kernel $(KERNEL) --cpus $(SMP) --accel $(ACCEL)
CHECK	= MSHV_VM_IMAGES=$(IMAGES) $(VM)/check --log-dir $(O)/check --set O=$(O) \
	  $(if $(filter 1,$(V)),-v)

# Say what cannot work before building for minutes.
accel: | deps-vm
	$(Q)cd $(VM) && python3 -m mshv_vm.accel $(ACCEL)

run: accel images	## boot a Linux guest on /dev/mshv on openhv in QEMU
	$(Q)$(MSHV_VM) run $(MACHINE)

shell: accel images	## a prompt in a root partition with /dev/mshv
	$(Q)$(MSHV_VM) shell $(MACHINE)

check: images-all | deps-kunit	## run every test (ONLY=REGEX: only some)
	$(Q)$(CHECK) --only '$(ONLY)'

check-long: images-all	## run the tests that take long (an hour or two; ONLY=REGEX)
	$(Q)$(CHECK) --long --only '$(ONLY)'

check-vm: images-all	## run the tests that need no KUnit kernel
	$(Q)$(CHECK) --only '^(?!kunit)'

selftests: images-all	## run the selftests in root partitions
	$(Q)$(CHECK) --only '^selftests'

kunit: | deps-kunit	## run the module's unit tests in QEMU
	$(Q)$(CHECK) --only '^kunit'

.PHONY: accel run shell check check-long check-vm selftests kunit
