# SPDX-License-Identifier: GPL-2.0-only
"""Sphinx: how Documentation/ becomes HTML."""

project = "mshv"
root_doc = "virt/mshv/index"
extensions = []
highlight_language = "none"
html_theme = "alabaster"
html_show_copyright = False
