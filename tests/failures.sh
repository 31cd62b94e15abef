#!/bin/sh
# Every test that docs/failures.md names exists, and tests/mutants.py breaks what it says was broken.
srcdir=${srcdir:-.}
paper=$srcdir/docs/failures.md
failed=0

missing()
{
	echo "docs/failures.md: no $*"
	failed=1
}

names=$(grep -o '`[a-z/_]*test_[a-z0-9_]*\.[a-z:]*[a-z0-9_]*`' "$paper" | tr -d '`' | sort -u)
for name in $names; do
	n=$((n + 1))
	file=${name%%::*}
	case $file in */*) path=$srcdir/$file ;; *) path=$srcdir/tests/system/$file ;; esac
	case $name in
	*::*) grep -q "^def ${name##*::}(" "$path" || missing "$name" ;;
	*) [ -f "$path" ] || missing "$name" ;;
	esac
done
[ "$n" -gt 50 ] || missing "names that this script understands"

sed -n '/seen to fail when/,/^## /s/^|.*| \([^|]*\) |$/\1/p' "$paper" | grep -v '^seen to fail' |
	while read -r broken; do
		grep -qF "    \"$broken\": (" "$srcdir/tests/mutants.py" || { echo "tests/mutants.py: no '$broken'"; exit 1; }
	done || failed=1
for broken in $(sed -n 's/^    "\(.*\)": ($/\1/p' "$srcdir/tests/mutants.py" | tr ' ' '~'); do
	grep -qF "| $(echo "$broken" | tr '~' ' ') |" "$paper" || missing "'$broken'"
done
exit $failed
