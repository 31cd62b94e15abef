#!/bin/sh
# release/spdx.py: what it says of programs of this build has all that SPDX 2.3 requires, names what they link, and is the same each time.
srcdir=${srcdir:-.}
for tool in dpkg-query dpkg-architecture readelf python3; do
	command -v $tool >/dev/null || { echo "no $tool"; exit 77; }
done
trap 'rm -f release.$$.*' EXIT
bill()
{
	SOURCE_DATE_EPOCH=1700000000 PYTHONDONTWRITEBYTECODE=1 python3 "$srcdir/release/spdx.py" muster-1.2 "$@"
}

bill musterd .libs/libnss_muster.so.2 "$srcdir/NEWS" >release.$$.a && bill "$srcdir/NEWS" .libs/libnss_muster.so.2 musterd >release.$$.b || exit 1
cmp release.$$.a release.$$.b || exit 1
if bill "$srcdir/no-such-file" >/dev/null 2>&1 || (unset SOURCE_DATE_EPOCH; python3 "$srcdir/release/spdx.py" muster-1.2 musterd 2>/dev/null); then
	echo "what is not there, or no time, is no error"
	exit 1
fi
python3 - release.$$.a <<'EOF'
import json, re, sys
d = json.load(open(sys.argv[1]))
assert d["spdxVersion"] == "SPDX-2.3" and d["dataLicense"] == "CC0-1.0" and d["SPDXID"] == "SPDXRef-DOCUMENT"
assert d["name"] == "muster-1.2" and re.fullmatch(r"https://\S+/muster-1\.2-[0-9a-f]{64}", d["documentNamespace"])
assert d["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
assert all(re.match(r"(Tool|Person|Organization): ", c) for c in d["creationInfo"]["creators"]) and d["creationInfo"]["creators"]
ids = [p["SPDXID"] for p in d["packages"]]
assert len(set(ids)) == len(ids) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids)
for p in d["packages"]:
    assert p["name"] and p["versionInfo"] and p["downloadLocation"] == "NOASSERTION" and p["filesAnalyzed"] is False, p
    assert p["licenseConcluded"] == p["licenseDeclared"] == p["copyrightText"] == "NOASSERTION", p
    assert all(re.fullmatch("[0-9a-f]{64}", c["checksumValue"]) for c in p.get("checksums", [])), p
    assert all(r["referenceLocator"].startswith("pkg:deb/debian/") for r in p.get("externalRefs", [])), p
links = {(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in d["relationships"]}
assert {i for a, _, b in links for i in (a, b)} == {"SPDXRef-DOCUMENT", *ids}, "something is linked by nothing"
assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-muster") in links
linked = {b for a, kind, b in links if a == "SPDXRef-File-musterd" and kind == "DYNAMIC_LINK"}
assert {"SPDXRef-Debian-libc6", "SPDXRef-Debian-liblmdb0", "SPDXRef-Debian-libcrypt1"} <= linked, linked
assert ("SPDXRef-File-musterd", "STATIC_LINK", "SPDXRef-Debian-libxxhash-dev") in links
assert not any(a == "SPDXRef-File-NEWS" for a, _, _ in links)
EOF
