#!/bin/sh
# STYLE.md 7 and 8, security.md 5.c.1: functions that are not called, and where. Comments and strings do not count.
LC_ALL=C
export LC_ALL
cd "${srcdir:-.}" || exit 1
failed=0
number='json_object_get_(int|int64|uint64|boolean|double)'

# FILES as FILE:LINE:CODE without comments and strings.
code()
{
	awk '
	FNR == 1 { inside = 0 }
	{
		line = $0
		gsub(/\\["\\]/, "", line)
		gsub(/"[^"]*"/, "\"\"", line)
		out = ""
		while (line != "") {
			if (inside) {
				n = index(line, "*/")
				if (n == 0)
					break
				line = substr(line, n + 2)
				inside = 0
			} else {
				n = index(line, "/*")
				if (n == 0) {
					out = out line
					break
				}
				out = out substr(line, 1, n - 1)
				line = substr(line, n + 2)
				inside = 1
			}
		}
		print FILENAME ":" FNR ":" out
	}' "$@"
}

# WHY PATTERN FILES: none of them calls what PATTERN fits.
forbid()
{
	why=$1
	pattern=$2
	shift 2
	if code "$@" | grep -E "(^|[^A-Za-z0-9_])($pattern) *\("; then
		echo "FAIL: $why"
		failed=1
	fi
}

all=$(find common nss pam agentd ctl tests -name '*.[ch]' | sort)
[ "$(echo "$all" | wc -l)" -gt 50 ] || { echo "FAIL: sources not found"; exit 1; }

forbid "length or error unchecked: STYLE.md 7" \
	'strcpy|strcat|strncpy|strncat|stpcpy|sprintf|vsprintf|sscanf|atoi|atol|atoll|atof|strtok|strtok_r|gets' $all
forbid "no shell (G4)" 'system|popen' $all
forbid "a number of JSON is read by its type: agentd/fetch/json.c alone" "$number" \
	$(echo "$all" | grep -v '^agentd/fetch/json\.c$')
forbid "guests in other processes (STYLE.md 8)" \
	'getenv|setenv|putenv|exit|abort|assert|signal|printf|puts|perror|pthread_create|fork' \
	$(find nss pam common -name '*.[ch]')
# At least this one is there, or the search itself is broken.
code agentd/fetch/json.c | grep -Eq "$number *\(" || { echo "FAIL: the pattern finds nothing"; failed=1; }

exit $failed
