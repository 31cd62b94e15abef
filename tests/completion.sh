#!/bin/bash
# ctl/completion.bash and man/musterctl.1 know exactly the commands and options that musterctl itself knows.
set -u
srcdir=${srcdir:-.}
source "$srcdir/ctl/completion.bash"
failed=0

fail()
{
	echo "$*"
	failed=1
}

# What --help of a command lists, a word a line.
help_words()
{
	./$1 --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p; /^Options:/,$s/^  \(--[a-z-]*\).*/\1/p'
}

# Checks one command, and then those below it.
check()
{
	local command=$1 word expected offered
	expected=$(help_words "$command")

	[ -n "$expected" ] || fail "$command --help: lists nothing"
	case $command in
	musterctl) expected="$expected --help --version" ;;
	*) [[ $expected == *--help* ]] || expected="$expected --help" ;;
	esac
	expected=$(printf '%s\n' $expected | sort)
	COMP_WORDS=($command "")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	offered=$(printf '%s\n' $(_musterctl_words "$(_musterctl_command)") | sort)
	[ "$expected" = "$offered" ] || fail "$command: --help and completion differ:" "$(diff <(echo "$expected") <(echo "$offered"))"
	for word in $expected; do
		case $word in
		--help | --version) ;;
		--*) grep -q "^\.It .*Fl Fl ${word#--}\b" "$srcdir/man/musterctl.1" || fail "musterctl(1) has no $word" ;;
		*)
			grep -q "^\.\(Ss\|It\) .*\b$word\b" "$srcdir/man/musterctl.1" || fail "musterctl(1) has no $word"
			check "$command $word" ;;
		esac
	done
}

check musterctl

# What a terminal would get: names of options and files, and nothing behind an option that takes free text.
COMP_WORDS=(musterctl directory add --sta) COMP_CWORD=3
_musterctl
[ "${COMPREPLY[*]}" = --state ] || fail "directory add --sta: ${COMPREPLY[*]}"
COMP_WORDS=(musterctl directory add --state S) COMP_CWORD=4
_musterctl
[ "${COMPREPLY[*]}" = "STAGED SUSPENDED" ] || fail "--state S: ${COMPREPLY[*]}"
COMP_WORDS=(musterctl directory add --uid "") COMP_CWORD=4
_musterctl
[ "${COMPREPLY[*]}" = "" ] || fail "--uid: ${COMPREPLY[*]}"

exit $failed
