"""Programs for the tests of libnss_muster.so.2, built when first wanted, and snapshots made without musterd."""
import functools
import pathlib
import platform
import subprocess

from endpoint import RUN, STATE, TREE, WORK, run

FLAGS = ["-std=gnu11", "-O2", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64", f"-I{TREE}"]
MODULE_SOURCES = [*sorted((TREE / "nss").glob("*.c")),
                  *(TREE / "common" / f"{name}.c" for name in
                    ("names_floor", "snapshot_find", "snapshot_map", "snapshot_parse", "snapshot_source"))]
HAS_32_BIT = platform.machine() == "x86_64"


@functools.lru_cache
def build(name, *sources, flags=()):
    path = WORK / name
    WORK.mkdir(exist_ok=True)
    run("gcc", *FLAGS, *flags, "-o", path, *sources)
    path.chmod(0o755)
    WORK.chmod(0o755)
    return path


def probe(bits=64):
    """nss_probe; for 32 bits with a module of its own, where such processes look for it."""
    if bits == 64:
        return build("nss_probe", TREE / "tests/system/nss_probe.c")
    module = build("libnss_muster.so.2", *MODULE_SOURCES,
                   flags=("-m32", "-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-soname,libnss_muster.so.2",
                          f"-Wl,--version-script={TREE}/nss/nss_muster.map"))
    run("install", "-m", "0644", module, "/usr/lib32/libnss_muster.so.2")
    return build("nss_probe32", TREE / "tests/system/nss_probe.c", flags=("-m32",))


def ask(mode, users, argument="", bits=64, check=True, **kwargs):
    done = run(probe(bits), mode, users, argument, check=False, **kwargs)
    if check:
        assert done.returncode == 0 and done.stdout.endswith("ok\n"), (mode, done.returncode, done.stdout, done.stderr)
    return done


def start(mode, users, argument=""):
    return subprocess.Popen([probe(), mode, str(users), str(argument)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def publish(users, generation=1, last=None, shared=0, big=0, folder=RUN):
    """A snapshot of tests/unit/sample.h, which nss_probe knows, appears in FOLDER; all generations up to LAST in turn."""
    common = [TREE / "common" / f"{name}.c" for name in ("names", "names_floor", "parse", "sort", "str")]
    tool = build("snapshot_make", TREE / "tests/bench/snapshot_make.c", TREE / "tests/unit/sample.c", *common,
                 *sorted((TREE / "common").glob("snapshot_*.c")))
    run(tool, pathlib.Path(folder, "nss.snapshot"), users, shared, big, generation, last or generation)


def withdraw():
    for folder in (RUN, STATE):
        (folder / "nss.snapshot").unlink(missing_ok=True)
