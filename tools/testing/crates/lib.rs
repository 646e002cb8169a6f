// SPDX-License-Identifier: GPL-2.0-only
//! Cargo wants a target in each package, even in one that only names others.
