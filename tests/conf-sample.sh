#!/bin/sh
# conf/muster.conf shows every key that there is, in the order of the table, with its default.
# (A default that the table puts together from macros is compared by key alone.)
srcdir=${srcdir:-.}
trap 'rm -f conf-sample.$$.*' EXIT

sed -n 's/^CONF(\([a-z]*\), \([a-z_]*\), .*, \("[^"]*"\), [a-z_]*)$/\1 \2 = \3/p
	s/^CONF(\([a-z]*\), \([a-z_]*\), .*MUSTER_[A-Z_]*, [a-z_]*)$/\1 \2/p
	s/^CONF(\([a-z]*\), \([a-z_]*\), .*LIBEXECDIR .*)$/\1 \2/p' "$srcdir/agentd/conf_table.h" |
	sed 's/ = ""$/ =/; s/"//g' >conf-sample.$$.table
awk '/^\[/ { section = substr($1, 2, length($1) - 2) }
	/^#[a-z_]+ =/ { print section, substr($0, 2) }' "$srcdir/conf/muster.conf" |
	sed 's/^\(directory url\|paths [a-z_]*\) =.*/\1/' >conf-sample.$$.sample
[ -s conf-sample.$$.table ] && diff conf-sample.$$.table conf-sample.$$.sample
