# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the scripts in this folder: where things are, and how to speak.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The private prefix: what the system lacks or has too old (tools/setup-deps).
# shellcheck disable=SC2034
deps=$root/build/deps
# The system's own programs, whatever version managers put in front of them.
PATH=$deps/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/bin
export PATH LC_ALL=C.UTF-8

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# The usage text of a script: its second comment block, without the marks.
usage() { awk 'NR > 2 && !/^#/ { exit } NR > 2 { sub(/^# ?/, ""); print }' "$0"; }

# The major version of this Debian; nothing elsewhere.
debian_version() {
	# shellcheck disable=SC1091
	(. /etc/os-release 2>/dev/null &&
		[ "${ID:-}" = debian ] && echo "${VERSION_ID%%.*}") || true
}
