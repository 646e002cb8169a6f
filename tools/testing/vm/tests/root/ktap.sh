# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# For test scripts: results as KTAP.
#	. /tests/ktap.sh
#	plan 2
#	check "the sky is blue" test "$sky" = blue
#	done_testing

ktap_number=0
ktap_failed=0
ktap_log=$(mktemp)

plan()
{
	echo "KTAP version 1"
	echo "1..$1"
}

# ok NAME, not_ok NAME REASON, skip NAME REASON
ok()
{
	ktap_number=$((ktap_number + 1))
	echo "ok $ktap_number $1"
}

not_ok()
{
	ktap_number=$((ktap_number + 1))
	ktap_failed=$((ktap_failed + 1))
	echo "# $2"
	echo "not ok $ktap_number $1"
}

skip()
{
	ktap_number=$((ktap_number + 1))
	echo "ok $ktap_number $1 # SKIP $2"
}

# Why a result of a program that check runs may be skipped: a regular expression
ktap_may_skip='^$'

# check NAME COMMAND...: what a failing command prints is shown
check()
{
	ktap_name=$1
	shift
	if "$@" >"$ktap_log" 2>&1; then
		ktap_skipped=$(grep '^ *ok .*# SKIP' "$ktap_log" | grep -vE "# SKIP ($ktap_may_skip)")
		if [ "$ktap_skipped" ]; then
			echo "$ktap_skipped" | sed 's/^/# /'
			not_ok "$ktap_name" "it has skipped what it may not"
		else
			ok "$ktap_name"
		fi
	else
		ktap_status=$?
		sed 's/^/# /' "$ktap_log"
		not_ok "$ktap_name" "$* ended with $ktap_status"
	fi
}

done_testing()
{
	rm -f "$ktap_log"
	[ "$ktap_failed" = 0 ]
	exit
}
