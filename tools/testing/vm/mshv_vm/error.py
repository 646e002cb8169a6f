# SPDX-License-Identifier: GPL-2.0-only
"""How the rig says that it cannot go on."""


class RigError(Exception):
    """One clear line for the user; the rig ends."""
