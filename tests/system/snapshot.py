"""A second reader of snapshots, written from docs/snapshot-format.md alone: it reads every byte and checks all of it."""
import ctypes
import pathlib
import re
import struct

_xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
_xxh3.restype = ctypes.c_uint64
_xxh3.argtypes = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64

NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
USER_NAMES, USER_UIDS, GROUP_NAMES, GROUP_GIDS, USERS, GROUPS = range(6)
ACCOUNT_NAMES, ACCOUNTS, POLICY, STATUS, REJECTS, DIR_GROUPS, LOCAL_GRANTS = range(6, 13)
LISTS = {POLICY: b"P", STATUS: b"S", REJECTS: b"R", DIR_GROUPS: b"D"}


def xxh3(data, seed):
    return _xxh3(data, len(data), seed % 2**64)


def strings(data, count):
    *found, rest = data.split(b"\0")
    assert rest == b"" and len(found) == count, (data, count)
    return found


class Snapshot:
    def __init__(self, path):
        self.data = data = pathlib.Path(path).read_bytes()
        self.seen = [(0, 512)]  # ranges that something leads to
        assert data[:8] == b"MUSTSNAP"
        (header_sum, version, self.kind, self.generation, self.made_at, self.confirmed_at, length, self.salt,
         self.id_min, self.id_max, self.n_users, self.n_groups) = struct.unpack_from("<QIIQqqQQIIII", data, 8)
        assert header_sum == xxh3(data[16:512], 0)
        assert version == 1 and length == len(data) and data[80:128] == bytes(48)
        self.sections = [struct.unpack_from("<QII", data, 128 + 16 * i) for i in range(24)]
        assert all(s == (0, 0, 0) for s in self.sections[13:])
        self.users = {name: user for name, user in self.walk(USERS, USER_NAMES, USER_UIDS, self.user)}
        self.groups = {name: group for name, group in self.walk(GROUPS, GROUP_NAMES, GROUP_GIDS, self.group)}
        self.accounts = {name: a for name, a in self.walk(ACCOUNTS, ACCOUNT_NAMES, None, self.account)}
        self.lists = {number: self.list(number, letter) for number, letter in LISTS.items()}
        self.local_groups, self.local_gids = self.grants()
        assert (self.n_users, self.n_groups) == ((len(self.users), len(self.groups)) if self.kind == 1 else
                                                 (len(self.accounts), len(self.lists[DIR_GROUPS])))
        self.check_gaps()

    def slots(self, number):
        """The slots in use of each block of a section."""
        offset, blocks, entries = self.sections[number]
        assert offset % 64 == 0
        table = []
        for at in range(offset, offset + 64 * blocks, 64):
            block = self.data[at:at + 64]
            self.seen.append((at, at + 64))
            assert struct.unpack_from("<Q", block)[0] == xxh3(block[8:], self.salt + at)
            pairs = [struct.unpack_from("<II", block, 8 + 8 * i) for i in range(7)]
            used = [p for p in pairs if p[1]]
            assert pairs == used + [(0, 0)] * (7 - len(used))
            table.append(used)
        assert sum(map(len, table)) == entries
        return table

    def find(self, table, key):
        """The places that a search for KEY meets, up to the free slot that ends it."""
        h = xxh3(key, self.salt)
        start = (h >> 32) * len(table) >> 32
        for i in range(len(table)):
            block = table[(start + i) % len(table)]
            yield from (at for k, at in block if k == h % 2**32)
            if len(block) < 7:
                return
        raise AssertionError("no free slot")

    def record(self, place, letter):
        at = place * 8
        record_sum, length, kind, name_len = struct.unpack_from("<QIHH", self.data, at)
        assert kind == letter[0] and 16 <= length <= len(self.data) - at
        record = self.data[at:at + length]
        assert record_sum == xxh3(record[8:], self.salt + at)
        self.seen.append((at, at + length + -length % 8))
        assert self.data[at + length:at + length + -length % 8] == bytes(-length % 8)
        return record, name_len

    def walk(self, order, names, ids, read):
        table = [slot for block in self.slots(order) for slot in block]
        by_name, by_id = self.slots(names), self.slots(ids) if ids is not None else None
        assert table == sorted(set(table)) and len({key for key, _ in table}) == len(table)
        assert sum(map(len, by_name)) == len(table)
        for key, place in table:
            found_id, name, value = read(place)
            assert found_id == key and self.id_ok(key) and NAME.fullmatch(name)
            assert place in self.find(by_name, name)
            assert by_id is None or place in self.find(by_id, struct.pack("<I", key))
            yield name.decode(), value

    def list(self, number, letter):
        table = [slot for block in self.slots(number) for slot in block]
        assert [key for key, _ in table] == list(range(len(table)))
        return [self.record(place, letter)[0][16:] for _, place in table]

    def id_ok(self, number):
        return 1000 <= number <= 2**31 - 1 and number not in (65534, 65535) and self.id_min <= number <= self.id_max

    def user(self, place):
        record, name_len = self.record(place, b"U")
        uid, gid, gids_at, keys_at, gecos_len, home_len, shell_len, zero = struct.unpack_from("<IIIIHHHH", record, 16)
        texts = strings(record[40:], 4)
        assert [len(t) for t in texts] == [name_len, gecos_len, home_len, shell_len] and zero == 0
        assert len(record) <= 4096 and self.id_ok(gid)
        return uid, texts[0], {"uid": uid, "gid": gid, "gecos": texts[1].decode(), "home": texts[2].decode(),
                               "shell": texts[3].decode(), "gids": self.gids(gids_at, uid, gid),
                               "keys": self.keys(keys_at, uid)}

    def gids(self, place, uid, gid):
        record, _ = self.record(place, b"I")
        owner, n = struct.unpack_from("<II", record, 16)
        gids = list(struct.unpack_from(f"<{n}I", record, 24))
        assert owner == uid and len(record) == 24 + 4 * n and gids[0] == gid and all(map(self.id_ok, gids))
        return gids

    def keys(self, place, uid):
        if place == 0:
            return []
        record, _ = self.record(place, b"K")
        owner, n = struct.unpack_from("<II", record, 16)
        assert owner == uid
        return [k.decode() for k in strings(record[24:], n)]

    def group(self, place):
        record, name_len = self.record(place, b"G")
        gid, n = struct.unpack_from("<II", record, 16)
        name, *members = strings(record[24:], n + 1)
        assert len(name) == name_len and members == sorted(set(members))
        assert all(NAME.fullmatch(m) for m in members)
        return gid, name, {"gid": gid, "members": [m.decode() for m in members]}

    def grants(self):
        """Local groups by name, and users' local gids by uid: each found by its keys, and by nothing else."""
        blocks, groups, users = self.slots(LOCAL_GRANTS), {}, {}
        expected = []
        for place in {place for block in blocks for _, place in block}:
            record, name_len = self.record(place, b"L")
            number, n = struct.unpack_from("<II", record, 16)
            keys = [struct.pack("<I", number)]
            if name_len:
                name, *members = strings(record[24:], n + 1)
                assert len(name) == name_len and NAME.fullmatch(name) and members == sorted(set(members))
                groups[name.decode()] = {"gid": number, "members": [m.decode() for m in members]}
                keys.append(name)
            else:
                users[number] = list(struct.unpack_from(f"<{n}I", record, 24))
                assert self.id_ok(number) and len(record) == 24 + 4 * n
            for gid in [number] if name_len else users[number]:
                assert 0 < gid < 2**31 and gid not in (65534, 65535)
            expected += [(xxh3(key, self.salt) % 2**32, place) for key in keys]
            assert all(place in self.find(blocks, key) for key in keys)
        assert sorted(expected) == sorted(slot for block in blocks for slot in block)
        names = {user["uid"]: name for name, user in self.users.items()}
        listed = {(names[uid], gid) for uid, gids in users.items() for gid in gids}
        assert listed == {(m, g["gid"]) for g in groups.values() for m in g["members"]}
        return groups, users

    def account(self, place):
        record, name_len = self.record(place, b"A")
        uid, zero = struct.unpack_from("<II", record, 16)
        assert zero == 0 and record[24 + name_len] == 0
        return uid, record[24:24 + name_len], record[25 + name_len:]

    def check_gaps(self):
        """Nothing in the file that no table leads to, but zeros up to the next multiple of 64."""
        end = 0
        for start, stop in sorted(set(self.seen)):
            assert start >= end and start - end < 64 and self.data[end:start] == bytes(start - end), (end, start)
            end = stop
        assert end == len(self.data) or self.data[end:] == bytes(len(self.data) - end)
