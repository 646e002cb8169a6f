# SPDX-License-Identifier: GPL-2.0-only
"""The rig: a stock kernel as root partition on openhv, in QEMU."""
