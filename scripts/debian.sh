# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For the scripts that fetch Debian: where from, and how it is made a root file system.
#	. "$(dirname "$0")/debian.sh"

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# What apt-get is to be told to read its package lists anew, with lists of one's own: OPTION...
refresh_lists()
{
	local sudo=

	# The machine's own are root's.
	[ "$(id -u)" = 0 ] || [ $# != 0 ] || sudo=sudo
	echo "  UPDATE  apt's package lists" >&2
	$sudo apt-get "$@" -qq update >&2 || die "apt-get update failed"
}

# The mirror that the machine's own packages come from: not that of security updates
known_mirror()
{
	# shellcheck disable=SC2016 # for apt
	apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		awk '/^Debian Debian / && !mirror { mirror = $3 } END { print mirror }'
}

# Print it, or say that there is none
debian_mirror()
{
	local mirror

	mirror=$(known_mirror)
	[ -n "$mirror" ] || { refresh_lists; mirror=$(known_mirror); }
	[ -n "$mirror" ] || die "apt knows no Debian mirror"
	echo "$mirror"
}

# The name of what is made of FILEs, in CACHE: image_name CACHE NAME ENDING FILE...
image_name()
{
	local cache=$1 name=$2 ending=$3

	shift 3
	echo "$cache/${name}_$(cat "$@" | sha256sum | head -c 12).$ending"
}

# Debian 13 as small as it goes, as a tar on standard output: trixie LOG SUITE... -- OPTION...
trixie()
{
	local log=$1 mirror options=() suites=() line

	shift
	: >"$log"
	mirror=$(debian_mirror) || return
	[ -e /usr/share/keyrings/debian-archive-trixie-stable.gpg ] ||
		die "debian-archive-keyring is too old to know trixie: upgrade it"
	while [ "$1" != -- ]; do
		suites+=("deb $mirror $1 main")
		shift
	done
	shift
	while read -r line; do
		options+=(--aptopt="$line")
	done < <(apt-config dump Acquire::http::Proxy; apt-config dump Acquire::https::Proxy)
	for line in doc info locale man; do
		options+=(--dpkgopt="path-exclude=/usr/share/$line/*")
	done
	mmdebstrap --quiet --variant=minbase --format=tar "${options[@]}" \
		--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
		--aptopt='Acquire::Retries "5"' "$@" trixie - "${suites[@]}" 2>"$log"
}
