#!/bin/sh
# muster.conf(5) has every key with its default, muster-directory(5) every column of CSV, musterctl(1) every field of a user; and all pages are good mdoc.
srcdir=${srcdir:-.}
failed=0
page=$srcdir/man/muster.conf.5

# "section key default" of the table; the default is * where macros put it together.
sed -n 's/^CONF(\([a-z]*\), \([a-z_]*\), .*, "\([^"]*\)", [a-z_]*)$/\1 \2 \3/p; t
	s/^CONF(\([a-z]*\), \([a-z_]*\), .*)$/\1 \2 */p' "$srcdir/agentd/conf_table.h" |
	{
		lines=0
		while read -r section key default; do
			lines=$((lines + 1))
			# The items of one section, cut into one key each: "key Pq default".
			items=$(sed -n "/^\.Ss \[$section\]/,/^\.S[sh] [^[]/p" "$page" | sed -n '/^\.It Cm /s/ , Cm /\n.It Cm /gp; /^\.It/p')
			case $default in
			'*') pattern="^\.It Cm $key Pq .*/" ;;
			'') pattern="^\.It Cm $key\( Pq .*\)\{0,1\}$" ;;
			*) pattern="^\.It Cm $key Pq $(printf %s "$default" | sed 's/[].*[]/\\&/g')$" ;;
			esac
			echo "$items" | grep -q "$pattern" || { echo "muster.conf(5): [$section] $key ($default)"; exit 1; }
		done
		[ $lines -gt 30 ]
	} || failed=1

for column in $(sed -n 's/^	{"\([A-Za-z_]*\)", COLUMN_.*/\1/p' "$srcdir/ctl/directory/columns.c"); do
	columns=$((columns + 1))
	sed -n '/^\.Sh CSV/,$p' "$srcdir/man/muster-directory.5" | grep -qw "$column" ||
		{ echo "muster-directory(5): no column $column"; failed=1; }
done
[ "$columns" -gt 40 ] || { echo "columns.c: not understood"; failed=1; }

# Every field of musterctl users is in musterctl(1), QUERIES, and in the schema of its JSON; the schema has no other.
fields=$(sed -n 's/^	\(ALL\|ROOT\)([A-Z_]*, \([a-z_]*\)),$/\2/p' "$srcdir/ctl/user_row.c")
[ "$(echo "$fields" | wc -l)" -gt 20 ] || { echo "user_row.c: not understood"; failed=1; }
for field in $fields; do
	sed -n '/^\.Sh QUERIES/,/^\.Sh FILES/p' "$srcdir/man/musterctl.1" | grep -q "^\.It Cm .*\<$field\>" ||
		{ echo "musterctl(1): no field $field"; failed=1; }
done
described=$(sed -n 's/^      "\([a-z_]*\)": {.*/\1/p' "$srcdir/docs/schema/users.schema.json")
[ "$described" = "$fields" ] || { echo "users.schema.json: other fields, or another order"; failed=1; }

# The alert rules and the page about operating name no metric that musterd does not write.
metrics=$(sed -n 's/.*\(muster_[a-z_]*[a-z]\).*/\1/p' "$srcdir/agentd/metrics.c" "$srcdir/agentd/counters.c" | sort -u)
used=$(grep -oh 'muster_[a-z_]*' "$srcdir"/docs/alerts/*.yml "$srcdir/docs/operations.md" | sort -u)
[ "$(echo "$used" | wc -l)" -gt 8 ] || { echo "alerts: not understood"; failed=1; }
for metric in $used; do
	echo "$metrics" | grep -qx "$metric" || { echo "docs: no metric $metric"; failed=1; }
done

# Each event of the log, and each reason, is in the page about operating; and the page has no other event.
page=$srcdir/docs/operations.md
events=$(sed -n 's/.*"\([a-z]*: [a-z_]*\) [a-z]*=%.*/\1/p' "$srcdir"/agentd/*.c | sort -u)
[ "$events" = "$(sed -n 's/^| `\([a-z]*: [a-z_]*\)` |.*/\1/p' "$page" | sort -u)" ] || { echo "operations.md: other events than"; echo "$events"; failed=1; }
for reason in $(sed -n 's/^	{REASON_[A-Z_]*, "\([a-z_]*\)", .*/\1/p' "$srcdir/common/reason.c"); do
	[ "$reason" = ok ] || [ "$reason" = unknown_user ] || grep -q "^| .*\`$reason\`.* |" "$page" || { echo "operations.md: no reason $reason"; failed=1; }
done
# What is about one user or entry has that form.
if grep -nE "log_(error|warning|notice)\(\"[a-z]*: (uid %u|user '%s')" "$srcdir"/agentd/*.c; then failed=1; fi

if command -v mandoc >/dev/null; then
	for page in "$srcdir"/man/*.[1-8]; do
		mandoc -T lint -W error "$page" || failed=1
	done
fi
exit $failed
