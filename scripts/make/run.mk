# SPDX-License-Identifier: GPL-2.0-only
#
# Boot what was built, and test it.

MSHV_VM	= MSHV_VM_IMAGES=$(IMAGES) $(VM)/mshv-vm
MACHINE	= --kernel $(KERNEL) --cpus $(SMP) --accel $(ACCEL)
CHECK	= MSHV_VM_IMAGES=$(IMAGES) exec $(VM)/check --log-dir $(O)/check --set O=$(O) \
	  $(if $(JOBS),--jobs $(JOBS)) $(if $(filter 1,$(V)),-v)

# Say what cannot work before building for minutes.
accel: | deps-vm
	$(Q)cd $(VM) && python3 -m mshv_vm.accel $(ACCEL)

run: accel images $(if $(filter qemu,$(VMM)),images-qemu)	## boot a Linux guest on /dev/mshv on openhv in QEMU
	$(Q)$(MSHV_VM) run $(MACHINE) --vmm $(VMM)

shell: accel images	## a prompt in a root partition with /dev/mshv
	$(Q)$(MSHV_VM) shell $(MACHINE)

check: images-all images-qemu crates | deps-kunit	## run every test (ONLY=REGEX: only some)
	$(Q)$(CHECK) --only '$(ONLY)'

# With make -j, what one of them waits for the network is time for another to compile.
check-build: images-all images-qemu crates units kunit-build	## build all that make check needs

check-long: images-all images-qemu	## run the tests that take long (an hour or two; ONLY=REGEX)
	$(Q)$(CHECK) --long --only '$(ONLY)'

check-vm: images-all images-qemu crates	## run the tests that need no KUnit kernel
	$(Q)$(CHECK) --only '^(?!kunit)'

selftests: images-all	## run the selftests in root partitions
	$(Q)$(CHECK) --only '^selftests'

check-crates: images-all crates	## run the mshv crates' own tests in root partitions
	$(Q)$(CHECK) --only '^crates'

check-qemu: images-all images-qemu	## boot guests by Debian's QEMU in a root partition
	$(Q)$(CHECK) --only '^qemu'

kunit: | deps-kunit	## run the module's unit tests in QEMU
	$(Q)$(CHECK) --only '^kunit'

kunit-build: | deps-kunit
	$(Q)O=$(O) tools/testing/kunit/run --build

# Not by a name of tests.list: the result is a report, and the module is another one.
coverage: | deps-kunit	## which lines of the module its unit tests reach; fails under 90 %
	$(Q)O=$(O) tools/testing/kunit/run --coverage

# --- What it costs -------------------------------------------------------------

BENCH	:= $(O)/bench
ROUNDS	?= 20000
KVM_MODULES := irqbypass kvm kvm-amd

BENCH_INCLUDES := include include/uapi tools/lib/mshv/include tools/mshv tools/openhv/include
# How much memory the one of them maps that maps much, in MiB
MIB	?= 1024

# They read openhv's counters as `mshv info --openhv` does.
$(BENCH)/port_exit $(BENCH)/costs $(BENCH)/interrupts: $(BENCH)/%: \
		tools/testing/bench/%.c libmshv | deps-build
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -static -pthread -O2 -Wall -Wextra -Werror $(BENCH_INCLUDES:%=-I%) -o $@ $< \
		tools/mshv/openhv.c tools/mshv/util.c $(O)/libmshv/libmshv.a

$(BENCH)/root_work: tools/testing/bench/root_work.c | deps-build
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -static -O2 -Wall -Wextra -Werror -o $@ $<

# What is compared with another machine has the same emulator: a thread for each processor.
# With one for all, guests of KVM's have been seen to get nowhere. Nobody mends the
# emulator's races there, which a boot seldom meets: if it dies, try again.
THREADS = $(if $(filter tcg,$(ACCEL)),--tcg-thread multi)

bench: bench-exit bench-costs bench-root	## what openhv costs: exits of a guest to its VMM, operations, and root's own work

# In instructions, which the emulator alone counts
bench-root: images $(BENCH)/root_work
	$(Q)tools/testing/bench/root-overhead $(BENCH)/root_work 5 3 \
		env $(MSHV_VM) exec --kernel $(KERNEL) --timeout 900

bench-interrupts: accel images $(BENCH)/interrupts	## what root's interrupts cost, with either local APIC (CPU=MODEL)
	$(Q)set -e; for apic in virtual shim; do \
		echo "root-apic=$$apic"; \
		$(MSHV_VM) exec $(MACHINE) $(if $(CPU),--cpu $(CPU)) --openhv root-apic=$$apic \
			--copy $(BENCH)/interrupts -- ./interrupts; \
	done

# KVM on the same emulated machine, without openhv, is what it is compared with.
bench-kvm: images
	$(Q)mkdir -p $(BENCH)
	$(Q)set -e; for module in $(KVM_MODULES); do \
		find $(O)/kernels/$(KERNEL)/image/lib/modules/ -name $$module.ko.xz \
			-exec xz -dc {} \; >$(BENCH)/$$module.ko; \
		find $(O)/kernels/$(KERNEL)/image/lib/modules/ -name $$module.ko \
			-exec cp {} $(BENCH)/ \; ; \
	done

bench-exit: accel images bench-kvm $(BENCH)/port_exit
	$(Q)set -e; for sched in root core; do \
		echo "sched=$$sched"; \
		$(MSHV_VM) exec $(MACHINE) $(THREADS) --sched $$sched --copy $(BENCH)/port_exit \
			--copy tools/testing/bench/port-exit -- ./port-exit mshv $(ROUNDS); \
	done
	$(Q)$(MSHV_VM) exec $(MACHINE) $(THREADS) --no-hypervisor --copy $(BENCH)/port_exit \
		--copy tools/testing/bench/port-exit $(KVM_MODULES:%=--copy $(BENCH)/%.ko) \
		-- ./port-exit kvm $(ROUNDS)

# An instruction takes a nanosecond there, whatever the host is busy with.
COSTS = $(MSHV_VM) exec --cpus $(SMP) --icount 0 --memory 3G --timeout 900 --copy $(BENCH)/costs

bench-costs: images $(BENCH)/costs	## what operations cost: hypercalls, world switches, instructions
	$(Q)set -e; for sched in root core; do \
		echo "sched=$$sched"; \
		$(COSTS) --kernel $(KERNEL) --sched $$sched --copy tools/testing/bench/all-costs \
			-- ./all-costs $(MIB); \
	done

# Linux 7.3 has a driver of its own.
bench-in-tree: images-common $(IMAGES)/7.3/modules.cpio $(BENCH)/costs	## the same of the kernel's own driver, and of ours on that kernel
	$(Q)set -e; for sched in root core; do for driver in --in-tree ''; do \
		echo "sched=$$sched $$driver"; \
		$(COSTS) --kernel 7.3 $$driver --sched $$sched -- ./costs movable $(MIB); \
	done; done

BOOTS	?= 3
BENCH_BOOT = $(THREADS) --root trixie --timeout 900 --copy tools/testing/bench/guest-boot

bench-boot: accel images images-qemu bench-kvm	## how long a guest takes to boot by QEMU, beside KVM and mshv run
	$(Q)$(MSHV_VM) exec $(MACHINE) $(BENCH_BOOT) -- ./guest-boot $(BOOTS) qemu-mshv mshv-run
	$(Q)$(MSHV_VM) exec $(MACHINE) --no-hypervisor $(BENCH_BOOT) \
		--copy $(realpath $(BUSYBOX)):/root/busybox $(KVM_MODULES:%=--copy $(BENCH)/%.ko) \
		-- ./guest-boot $(BOOTS) qemu-kvm

.PHONY: bench bench-exit bench-costs bench-interrupts bench-root bench-kvm bench-in-tree bench-boot

# --- openhv's core as a program of the host ------------------------------------

OPENHV_TESTS	= $(MAKE) -C tools/openhv/tests O=$(O)/openhv/tests V=$(V)

coverage-openhv: | deps-build	## lines of openhv's core that its unit tests reach (LINES=1: those they do not)
	$(Q)$(OPENHV_TESTS) coverage LINES=$(LINES)

fuzz: | deps-fuzz	## fuzz openhv's core, each target for SECONDS=60 (ONLY=NAME: one of them)
	$(Q)$(OPENHV_TESTS) fuzz ONLY=$(ONLY) $(if $(SECONDS),SECONDS=$(SECONDS))

.PHONY: accel run shell check check-build check-long check-vm selftests check-crates check-qemu kunit kunit-build coverage coverage-openhv fuzz
