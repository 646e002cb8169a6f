# SPDX-License-Identifier: GPL-2.0-only
"""What a Linux kernel writes to its log when something is wrong with it."""

import re

PANIC = re.compile(r"Kernel panic - not syncing: (.*)")
# Where in a line that is depends on the kernel's time stamps, if there are any, and on the
# rig's own prefix.
TROUBLE = re.compile(r"(?:^|[|\]] )(WARNING: (?:CPU|.*at ).*|BUG: .*|kernel BUG at .*|Oops: .*|"
                     r"UBSAN: .*|general protection fault.*|INFO: task .* blocked for more than.*|"
                     r"rcu: INFO: .* stall.*)")
