#!/bin/sh
# What the built modules and programs export, import and need, and how they are hardened: STYLE.md 1, N2, N3, N6, N9.
# Run in the build folder. Sanitized and instrumented builds are other programs: skipped.
LC_ALL=C
export LC_ALL
failed=0

fail()
{
	echo "FAIL: $*"
	failed=1
}

# ELF file of a program or module, which libtool may keep in .libs.
elf()
{
	if [ -f "$(dirname "$1")/.libs/$(basename "$1")" ]; then
		echo "$(dirname "$1")/.libs/$(basename "$1")"
	else
		echo "$1"
	fi
}

needed()
{
	readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

exports()
{
	nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//'
}

imports()
{
	nm -D --undefined-only "$1" | awk '{ print $2 }' | sed 's/@.*//'
}

# FILE PATTERN: exports something, and only what PATTERN fits.
check_exports()
{
	[ -n "$(exports "$1")" ] || fail "$1 exports nothing"
	for s in $(exports "$1" | grep -Ev "^($2)$"); do
		fail "$1 exports $s"
	done
}

# FILE PATTERN: needs only libraries that PATTERN fits.
check_needed()
{
	[ -n "$(needed "$1")" ] || fail "$1 needs nothing, not even libc"
	for l in $(needed "$1" | grep -Ev "^($2)$"); do
		fail "$1 needs $l"
	done
}

# FILE PATTERN: calls nothing that PATTERN fits.
check_imports()
{
	for s in $(imports "$1" | grep -E "^($2)$"); do
		fail "$1 calls $s"
	done
}

check_hardening()
{
	headers=$(readelf -lW "$1")
	dynamic=$(readelf -dW "$1")
	echo "$headers" | grep -q GNU_RELRO || fail "$1: no RELRO"
	echo "$dynamic" | grep -Eq 'BIND_NOW|FLAGS_1.*NOW' || fail "$1: not bound at start"
	echo "$headers" | grep -Eq 'GNU_STACK.* RW +0x' || fail "$1: executable stack"
	if echo "$headers" | grep -Eq 'LOAD.* RWE '; then fail "$1: memory writable and executable"; fi
	if echo "$dynamic" | grep -Eq 'TEXTREL|RPATH|RUNPATH'; then fail "$1: TEXTREL or RPATH"; fi
	imports "$1" | grep -q '^__stack_chk_fail$' || fail "$1: no stack protector"
}

nss=$(elf ./libnss_muster.so.2)
pam=$(elf ./pam_muster.so)
musterd=$(elf ./musterd)
musterctl=$(elf ./musterctl)
fetch=$(elf ./muster-fetch)
prove=$(elf ./muster-prove)

for f in "$nss" "$pam" "$musterd" "$musterctl" "$fetch" "$prove"; do
	[ -f "$f" ] || { fail "$f is not built"; continue; }
	if nm "$f" 2>/dev/null | grep -Eq '__asan_|__ubsan_|__sanitizer|__gcov_|llvm_gcov'; then
		echo "$f is instrumented: skipped"
		exit 77
	fi
	check_hardening "$f"
done
[ $failed = 0 ] || exit 1

check_exports "$nss" '_nss_muster_[a-z_]+'
check_needed "$nss" 'libc\.so\.6'
check_imports "$nss" '(secure_)?getenv|socket|connect|sendmsg|dlopen|dlsym|abort|_?exit|__assert_fail|signal|sigaction|alarm|v?syslog|.*printf(_chk)?|f?puts|pthread_(create|atfork|key_.*|mutex_.*|once|setspecific)|get(pw|gr|sp)(nam|uid|gid|ent)(_r)?|setlocale|popen|system|execve?'
if readelf -lW "$nss" | grep -Eq '^ *TLS '; then fail "$nss has thread-local storage"; fi

check_exports "$pam" 'pam_sm_(authenticate|setcred|acct_mgmt|open_session|close_session|chauthtok)'
check_needed "$pam" 'libpam\.so\.0|libcrypt\.so\.[12]|liboath\.so\.0|libc\.so\.6'
check_imports "$pam" 'getenv|setenv|putenv|dlopen|abort|_?exit|__assert_fail|signal|alarm|(v|f)?printf|f?puts|pthread_create|popen|system|execve?|fork|vfork'

# A program of its own parses what comes from outside; another one, which is root, writes what is believed.
check_needed "$musterd" 'liblmdb\.so\.0|libcrypt\.so\.[12]|liboath\.so\.0|libinih\.so\.1|libc\.so\.6'
check_needed "$fetch" 'libjson-c\.so\.[0-9]+|libseccomp\.so\.2|libcurl\.so\.4|libldap(-2\.[0-9]+)?\.so\.[0-9]+|liblber(-2\.[0-9]+)?\.so\.[0-9]+|libcrypt\.so\.[12]|libc\.so\.6'
check_needed "$musterctl" 'libqrencode\.so\.[0-9]+|libjson-c\.so\.[0-9]+|libcrypt\.so\.[12]|libinih\.so\.1|libc\.so\.6'
check_needed "$prove" 'libpam\.so\.0|libc\.so\.6'
for f in "$musterd" "$musterctl" "$fetch" "$prove"; do
	readelf -dW "$f" | grep -Eq 'FLAGS_1.*PIE' || fail "$f: not position independent"
done

exit $failed
