#!/usr/bin/python3
"""spdx.py NAME-VERSION FILE...: a bill of materials, SPDX 2.3 in JSON, of a release's files, on stdout.

What is in it is looked up, not declared: every ELF file of each .deb is read for the libraries that it needs, and each library
for the Debian package, on this machine, that it comes from. FILEs that are neither .deb nor ELF are listed with their checksum.
The same files, machine and SOURCE_DATE_EPOCH give the same bytes. No licence has been chosen for muster yet, and of
the others' none is concluded here: NOASSERTION.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

# Of a library that is all header nothing is left to be found in a file: common/snapshot_source.c includes <xxhash.h>.
COMPILED_IN = "libxxhash-dev"
LIBRARIES = [pathlib.Path(d) for d in ("/lib64", "/usr/lib", "/lib")]


def output(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def is_elf(path):
    with open(path, "rb") as file:
        return path.is_file() and not path.is_symlink() and file.read(4) == b"\x7fELF"


def elf_files(path, folder):
    """PATH itself, or what a .deb has, unpacked into FOLDER."""
    if path.suffix != ".deb":
        return [path] if is_elf(path) else []
    target = folder / path.name
    subprocess.run(["dpkg-deb", "-x", path, target], check=True)
    return [p for p in sorted(target.rglob("*")) if p.is_file() and not p.is_symlink() and is_elf(p)]


def needed(elf):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", elf))


def debian_package(soname):
    """Name, version and architecture of the package that has the library."""
    arch = output("dpkg-architecture", "-qDEB_HOST_MULTIARCH").strip()
    for folder in [d / arch for d in LIBRARIES] + LIBRARIES:
        path = folder / soname
        if not path.exists():
            continue
        real = path.resolve()
        # dpkg's lists have the path from before /lib became a link to /usr/lib, or after
        for name in (real, path, pathlib.Path(str(real).removeprefix("/usr"))):
            found = subprocess.run(["dpkg-query", "-S", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if found.returncode == 0:
                return installed(found.stdout.split(": ")[0].split(",")[0])
    raise SystemExit(f"spdx: {soname}: no Debian package has it here")


def installed(package):
    name, version, arch = output("dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}", package).split()
    return name, version, arch


def ref(*words):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", "-".join(words))


def package(spdx_id, name, version, **more):
    return {"SPDXID": spdx_id, "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", **more}


def debian_spdx(name, version, arch):
    purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={arch}"
    return package(ref("Debian", name), name, version, supplier="Organization: Debian",
                   externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}])


def bill(release, files):
    name, version = release.rsplit("-", 1)
    created = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    top = ref(name)
    packages, links = {top: package(top, name, version)}, set()
    digests = []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(files):
            own = ref("File", path.name)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            digests.append(digest)
            packages[own] = package(own, path.name, version, packageFileName=path.name,
                                    checksums=[{"algorithm": "SHA256", "checksumValue": digest}])
            links.add((top, "CONTAINS", own))
            elves = elf_files(path, pathlib.Path(folder))
            found = {debian_package(soname) for elf in elves for soname in needed(elf) if not soname.startswith("ld-linux")}
            compiled_in = {installed(COMPILED_IN)} if found else set()
            for kind, others in (("DYNAMIC_LINK", found), ("STATIC_LINK", compiled_in)):
                for other in others:
                    packages[ref("Debian", other[0])] = debian_spdx(*other)
                    links.add((own, kind, ref("Debian", other[0])))
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": release,
        "documentNamespace": f"https://spdx.org/spdxdocs/{release}-{hashlib.sha256(''.join(digests).encode()).hexdigest()}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: muster release/spdx.py"]},
        "documentDescribes": [top],
        "packages": [packages[k] for k in sorted(packages)],
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": top}] + [
            {"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in sorted(links)],
    }


if __name__ == "__main__":
    if len(sys.argv) < 3 or not os.environ.get("SOURCE_DATE_EPOCH", "").isdigit():
        sys.exit("usage: SOURCE_DATE_EPOCH=SECONDS spdx.py NAME-VERSION FILE...")
    print(json.dumps(bill(sys.argv[1], [pathlib.Path(f) for f in sys.argv[2:]]), indent=1))
