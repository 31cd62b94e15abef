#!/usr/bin/python3
"""Builds and runs every test inside tests/sandbox: what ./check does there.

Prints what it is at, then what failed with its log, and last "N passed, N failed": counted from what the suites
themselves say they ran (cmocka's totals, automake's results, pytest's report).

--long sets MUSTER_LONG, which endpoint.scaled() asks for: the same tests with the rounds of a nightly run. And it fuzzes.

The system tests mostly wait, so ./check starts a second sandbox for them (--part second): each file is run by whichever is
free. Another one (--part packages) builds the Debian packages and tests those, on a machine without muster; when it has ended,
a third one (--part third) takes its place and helps with the system tests. All meet in /build, which they share.
"""
import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import xml.etree.ElementTree

TESTS = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path("/build")
LOG_LINES = 60


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []  # (what, log)

    def add(self, passed, failed, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def fail(self, what, log):
        self.failures.append((what, log))

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


def tail(text, lines=LOG_LINES):
    return "\n".join(text.strip().split("\n")[-lines:])


def compiler_errors(log):
    """A compiler's errors with the lines after them; without any, the end of the log."""
    lines = log.split("\n")
    shown = [l for i, l in enumerate(lines) if any(re.search(r"error:|undefined reference|\*\*\* ", x)
                                                  for x in lines[max(0, i - 3):i + 1])]
    return "\n".join(shown[:LOG_LINES]) or tail(log)


def run(argv, log_name, show, timeout_s, **kwargs):
    """Run ARGV with its output in a log file, lines that match SHOW on the terminal too. Status and log."""
    path = BUILD / "logs" / log_name
    path.parent.mkdir(exist_ok=True)
    lines = []
    with open(path, "w") as log, subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                                  start_new_session=True, **kwargs) as process:
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(process.pid, signal.SIGKILL))
        signal.alarm(timeout_s)
        for line in process.stdout:
            lines.append(line)
            log.write(line)
            log.flush()
            if re.search(show, line):
                print("  " + line.rstrip(), flush=True)
        process.wait()
        expired = signal.alarm(0) == 0
    if expired:
        lines.append(f"ended after {timeout_s} s: it took too long\n")
    return process.returncode, "".join(lines)


def as_builder(*argv):
    return ["setpriv", "--reuid", "builder", "--regid", "builder", "--init-groups", "--",
            "env", "HOME=/home/builder", *argv]


def build(report, name, *configure):
    status, log = run([str(TESTS / "build"), name, *configure], f"build-{name}.log", r"(error|warning):", 900)
    if status:
        report.add(0, 1)
        report.fail(f"build ({name})", compiler_errors(log))
    return status == 0


def count_automake(report, name, folder):
    """Sum up the .trs and .log files of one make check."""
    for trs in sorted(folder.rglob("*.trs")):
        log = trs.with_suffix(".log").read_text(errors="replace")
        result = re.search(r":global-test-result: (\w+)", trs.read_text()).group(1)
        cases = {word: sum(int(n) for n in re.findall(rf"\[ +{word} +\] (\d+) test\(s\)", log))
                 for word in ("PASSED", "FAILED", "SKIPPED")}
        passed, failed, skipped = cases.values()
        if not passed + failed + skipped:  # a script, or a program that ended early
            passed, skipped = int(result == "PASS"), int(result == "SKIP")
        if result not in ("PASS", "SKIP"):
            failed = max(failed, 1)
            report.fail(f"{name}: {trs.relative_to(folder).with_suffix('')}", tail(log))
        report.add(passed, failed, skipped)


def make_check(report, name, **environ):
    folder = BUILD / name
    for old in folder.rglob("*.trs"):
        old.unlink()
    before = report.failed
    status, log = run(as_builder("env", *(f"{k}={v}" for k, v in environ.items()), "make", "-C", str(folder),
                                 "--no-print-directory", f"-j{os.cpu_count()}", "check"),
                      f"check-{name}.log", r"^(PASS|FAIL|SKIP|ERROR): |(error|warning):", 1200)
    count_automake(report, f"unit ({name})", folder)
    if status and report.failed == before:
        report.add(0, 1)
        report.fail(f"make check ({name})", compiler_errors(log))


def unit_gcc(report):
    if build(report, "gcc", *GCC):
        make_check(report, "gcc")


def unit_clang(report):
    if build(report, "clang", "CC=clang", "CFLAGS=-O1 -g", "--enable-werror", "--enable-sanitizers"):
        make_check(report, "clang", ASAN_OPTIONS="detect_leaks=1", UBSAN_OPTIONS="print_stacktrace=1")


def distcheck(report):
    """In a tree where Debian's packages were built: nothing of that goes into the tarball."""
    built = BUILD / "src/debian/build"
    built.mkdir(exist_ok=True)
    for old in (BUILD / "gcc").glob("muster-*.tar.gz"):  # of another version
        old.unlink()
    status, log = run(as_builder("make", "-C", str(BUILD / "gcc"), "--no-print-directory", f"-j{os.cpu_count()}",
                                 "distcheck"), "distcheck.log", r"^(FAIL|ERROR): |ready for distribution", 1200)
    built.rmdir()
    if status == 0:
        tarball, = (BUILD / "gcc").glob("muster-*.tar.gz")
        with tarfile.open(tarball) as tar:
            status, log = any(name.endswith("debian/build") for name in tar.getnames()), f"debian/build is in {tarball}"
    report.add(int(status == 0), int(status != 0))
    if status:
        report.fail("make distcheck", compiler_errors(log))


def claim(halves, name):
    """Is this file ours to run, or the other sandbox's?"""
    try:
        os.close(os.open(halves / name, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def pytest_file(report, path, limit_s, options, environ):
    junit = pathlib.Path("/tmp", path.stem + ".xml")
    status, log = run(["pytest-3", "-v", *options, f"--junitxml={junit}", str(path)], f"{path.parent.name}-{path.stem}.log",
                      r"(PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS) +\[", limit_s,
                      env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environ})
    before = report.failed
    if junit.exists():
        for suite in xml.etree.ElementTree.parse(junit).iter("testsuite"):
            bad = int(suite.get("failures")) + int(suite.get("errors"))
            skipped = int(suite.get("skipped"))
            report.add(int(suite.get("tests")) - bad - skipped, bad, skipped)
            for case in suite.iter("testcase"):
                for problem in [*case.iter("failure"), *case.iter("error")]:
                    report.fail(f"{case.get('classname')}::{case.get('name')}", tail(problem.text or ""))
    if status and report.failed == before:
        report.add(0, 1)
        report.fail(path.name, tail(log))


def system_half(report, halves, limit_s=900, options=(), **environ):
    status, log = run([str(TESTS / "installed"), "true"], f"installed-{os.getpid()}.log", r"error:", 900)
    if status:
        report.add(0, 1)
        report.fail("tests/installed", compiler_errors(log))
        return
    for path in sorted((TESTS / "system").glob("test_*.py")):
        if claim(halves, path.name):
            pytest_file(report, path, limit_s, options, environ)


def packages(report, _, limit_s=900, options=(), **environ):
    """The Debian packages, installed, upgraded and removed on a booted machine; one test goes on where another ended."""
    status, log = run([str(TESTS / "debs"), str(BUILD / "debian")], "debs.log", r"error:", 900)
    if status:
        report.add(0, 1)
        report.fail("tests/debs", compiler_errors(log))
        return
    for path in sorted((TESTS / "debian").glob("test_*.py")):
        pytest_file(report, path, limit_s, [*options, "-x"], environ)


def helper(report, halves, **options):
    """Wait until everything is built, then take part in the system tests."""
    while not (halves / "built").exists():
        time.sleep(0.5)
    system_half(report, halves, **options)


HELPERS = ("second", "third")
PARTS = {"packages": packages, **dict.fromkeys(HELPERS, helper)}


def apart(part, halves, **options):
    """One of PARTS, in a sandbox of its own; its report is for take()."""
    report = Report()
    with open(halves / f"{part}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        PARTS[part](report, halves, **options)
        new = halves / f"{part}.new"
        new.write_text(json.dumps({"counts": [report.passed, report.failed, report.skipped], "failures": report.failures}))
        new.rename(halves / f"{part}.json")


def take(report, halves, part, limit_s):
    """What another sandbox has run, once it has ended."""
    with contextlib.suppress(FileNotFoundError), open(halves / f"{part}.lock") as lock:
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.5)
    try:
        other = json.loads((halves / f"{part}.json").read_text())
    except FileNotFoundError:
        report.add(0, 1)
        report.fail(f"the sandbox for '{part}'", "it ended before its tests did: see /var/cache/muster/tree-*/logs")
        return
    report.add(*other["counts"])
    report.failures += [tuple(f) for f in other["failures"]]


def system(report, halves, **options):
    (halves / "built").touch()
    system_half(report, halves, **options)
    for part in HELPERS:
        if (halves / f"{part}.lock").exists():  # one that never began has claimed nothing
            take(report, halves, part, 2 * options.get("limit_s", 900))


def mutants(report):
    """docs/failures.md: each promise broken on purpose; one that nobody notices is a failure."""
    status, log = run([str(TESTS / "mutants.py")], "mutants.log", r": found out|: LIVES", 2 * 3600)
    found, living = log.count(": found out\n"), log.count(": LIVES: ")
    report.add(found, living)
    if status:
        report.fail("mutants", tail(log))


def fuzz(report):
    """Each target for FUZZ_S seconds, from its corpus; what it finds is a failure."""
    if not build(report, "fuzz", "CC=clang", "CFLAGS=-O1 -g", "--enable-werror", "--enable-fuzzing"):
        return
    for corpus in sorted(pathlib.Path("/build/src/tests/fuzz/corpus").iterdir()):
        new = pathlib.Path("/tmp/fuzz", corpus.name)
        new.mkdir(parents=True)
        shutil.chown(new, "builder")
        status, log = run(as_builder(str(BUILD / "fuzz" / f"fuzz_{corpus.name}"), f"-max_total_time={FUZZ_S}",
                                     "-print_final_stats=1", "-timeout=10", new, corpus),
                          f"fuzz-{corpus.name}.log", r"number_of_executed_units", FUZZ_S + 300, cwd=new)
        report.add(int(status == 0), int(status != 0))
        if status:
            report.fail(f"fuzz_{corpus.name}", tail(log))


FUZZ_S = 600
GCC = ["--enable-werror", "CFLAGS=-O2 -g", "--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var",
       "--libdir=/usr/lib/" + subprocess.check_output(["gcc", "-print-multiarch"], text=True).strip()]
STAGES = {
    "unit tests, gcc": unit_gcc,
    "unit tests, clang with AddressSanitizer and UBSan": unit_clang,
    "make distcheck": distcheck,
}
SYSTEM = "system tests, against the installed programs"
PACKAGES = "Debian packages, on a booted machine"
LONG_OPTIONS = {"limit_s": 5 * 3600, "options": ["-o", f"timeout={2 * 3600}"], "MUSTER_LONG": "1"}
LONG = {
    "fuzzing": fuzz,
    "what is broken on purpose is noticed": mutants,
}


def arguments():
    parser = argparse.ArgumentParser(prog="check", description="Build and run every test of muster.")
    parser.add_argument("--long", action="store_true", help=f"""the nightly run, some three hours: 500 kills where ./check has
        40, minutes of password guessing where it has seconds, and so on; {FUZZ_S} s of fuzzing for each target; and every promise of
        docs/failures.md broken on purpose, to see its test fail""")
    parser.add_argument("--run", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = arguments()
    system_options = LONG_OPTIONS if options.long else {}
    halves = BUILD / "halves" / options.run
    halves.mkdir(parents=True, exist_ok=True)
    if options.part:
        return apart(options.part, halves, **system_options)
    stages = {**STAGES, SYSTEM: lambda report: system(report, halves, **system_options),
              PACKAGES: lambda report: take(report, halves, "packages", 1800), **(LONG if options.long else {})}
    total = Report()
    for title, stage in stages.items():
        print(f"== {title}", flush=True)
        start, report = time.monotonic(), Report()
        stage(report)
        print(f"== {title}: {report} in {time.monotonic() - start:.0f} s\n", flush=True)
        total.add(report.passed, report.failed, report.skipped)
        total.failures += report.failures
    shutil.rmtree(halves)
    for what, log in total.failures:
        print(f"---- FAILED: {what}\n{log}\n")
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
