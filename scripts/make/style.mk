# SPDX-License-Identifier: GPL-2.0-only
#
# Everything that can be said of the sources without running them.

SOURCE	= $(O)/kernels/source
# What the checks use of the kernel's source
SOURCE_PARTS := scripts/checkpatch.pl scripts/spelling.txt scripts/const_structs.checkpatch \
	scripts/kernel-doc

$(SOURCE): | deps-style
	$(Q)mkdir -p $(@D)
	$(Q)dir=$$(scripts/fetch-kernel $(CACHE) source 6.12 $(SOURCE_PARTS)) && ln -sfn $$dir $@

style: $(SOURCE) $(ALL_KERNELS) | deps-build deps-style	## check the sources without running them
	$(Q)scripts/style/run $(O) $(SOURCE)

htmldocs: | deps-style	## the documentation as HTML, in build/htmldocs
	$(Q)sphinx-build -q -W -n --keep-going -b html -d $(O)/style/doctrees Documentation $(O)/htmldocs

.PHONY: style htmldocs
