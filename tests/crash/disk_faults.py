#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 3600
"""tarn serve on a disk that fails: at each write, read or flush in turn.

faults.c is loaded into the server and ordered which call is to fail, also of
those that go through its io_uring.  Then a client puts, gets, copies, uploads,
lists and deletes.  The server must live on, whatever it answered 2xx must be so,
nothing half may be seen, and once the disk is well again it must serve as
before; where a flush failed it must refuse every change until it is started
anew.
"""

import base64
import ctypes
import errno
import mmap
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import zlib

import rig

LIBRARY = pathlib.Path(os.environ.get(
    "BUILD", rig.ROOT / "build/debug")) / "tests/crash/libtarn_faults.so"
IS_LONG = bool(os.environ.get("TEST_LONG"))
# Of each sort, spread over the calls that the client causes.
FAULTS = 10000 if IS_LONG else 3
WRITE, READ, FLUSH = 1, 2, 3
SORTS = [
    ("a write finds no space", WRITE, errno.ENOSPC, False),
    ("no write finds space any more", WRITE, errno.ENOSPC, True),
    ("a write fails", WRITE, errno.EIO, False),
    ("half of a write is done", WRITE, 0, False),
    ("a read fails", READ, errno.EIO, False),
    ("all reads fail", READ, errno.EIO, True),
    ("a flush fails", FLUSH, errno.EIO, False),
]


class Faults(ctypes.Structure):
    """struct faults of faults.h."""
    _fields_ = [("magic", ctypes.c_uint64), ("kind", ctypes.c_uint64),
                ("at", ctypes.c_uint64), ("error", ctypes.c_uint64),
                ("lasts", ctypes.c_uint64), ("seen", ctypes.c_uint64),
                ("hits", ctypes.c_uint64), ("clock_ns", ctypes.c_int64),
                ("thread", ctypes.c_char * 16),
                ("file", ctypes.c_char * 128),
                ("root", ctypes.c_char * 4096),
                ("flushed", ctypes.c_uint64 * 8192)]


class Disk:
    """The orders that the server's shim takes."""

    def __init__(self, root):
        self.path = rig.TMP / "faults"
        self.path.write_bytes(bytes(ctypes.sizeof(Faults)))
        with open(self.path, "r+b") as file:
            self.faults = Faults.from_buffer(mmap.mmap(file.fileno(), 0))
        self.faults.magic = 0x73746c756166
        self.faults.root = str(root).encode()

    def arm(self, kind, at, error, lasts):
        self.disarm()
        self.faults.seen = self.faults.hits = 0
        self.faults.at, self.faults.error = at, error
        self.faults.lasts = lasts
        self.faults.kind = kind

    def disarm(self):
        self.faults.kind = 0

    def environment(self):
        """Of a process whose calls fail; ASan wants to be the first."""
        libraries = subprocess.run(
            ["ldd", rig.TARN], stdout=subprocess.PIPE, text=True,
            check=True).stdout.split()
        asan = [word for word in libraries if word.startswith("/")
                and "libasan" in word]
        return {"LD_PRELOAD": ":".join(asan + [str(LIBRARY)]),
                "TARN_FAULTS": str(self.path)}


class Shelf:
    """What a key may hold: bytes, or None where nothing is there."""

    def __init__(self):
        self.may = {}

    def begin(self, key, body):
        self.may.setdefault(key, [None]).append(body)

    def done(self, key, body):
        self.may[key] = [body]


def body_of(seed, size):
    return random.Random(seed).randbytes(size)


def attempt(shelf, key, body, call):
    """A change that the client asks for; true where it was acknowledged."""
    shelf.begin(key, body)
    try:
        call()
    except rig.Lost:
        return False
    except AssertionError as error:
        # 4xx, for what an earlier failure has left out.
        assert " 404 " in str(error) or " 400 " in str(error), error
        return False
    shelf.done(key, body)
    return True


def look(client, key):
    """The bytes of a key; Lost where that cannot be told now."""
    return client.get(key)


def is_there(client, key):
    try:
        return look(client, key) is not None
    except rig.Lost:
        return False


def script(client, shelf, seed):
    """How many changes were acknowledged, and how many asked for."""
    small, large = body_of(seed, 3000), body_of(seed + 1, 1500000)
    parts = [body_of(seed + 2, 5 << 20), body_of(seed + 3, 1000)]
    done = [
        attempt(shelf, "small", small, lambda: client.put("small", small)),
        attempt(shelf, "large", large, lambda: client.put("large", large)),
        attempt(shelf, "empty", b"", lambda: client.put("empty", b"")),
        attempt(shelf, "dir/parts", b"".join(parts),
                lambda: client.upload("dir/parts", parts)),
    ]
    for key in list(shelf.may):
        try:
            found = look(client, key)
        except rig.Lost:
            continue
        assert found in shelf.may[key], f"{key}: not what was put there"
        if key == "small" and found is not None:
            done.append(attempt(shelf, "copy", found,
                                lambda: client.copy("small", "copy")))
    # One that is not there is gone without a write.
    if is_there(client, "large"):
        done.append(attempt(shelf, "large", None,
                            lambda: client.delete("large")))
    try:
        client.keys()
    except rig.Lost:
        pass
    return sum(done), len(done)


def expect_shelf(client, shelf):
    """All is there as it was acknowledged, or as an attempt would have it."""
    for key, may in shelf.may.items():
        found = look(client, key)
        assert found in may, (
            f"{key}: {'nothing' if found is None else len(found)}, may be "
            f"{['nothing' if b is None else len(b) for b in may]}")
        shelf.done(key, found)
    known = sorted(key for key, may in shelf.may.items() if may[0] is not None)
    assert client.keys() == known, "listed is something else"


class Rig:
    def __init__(self):
        self.store = rig.Store()
        self.disk = Disk(self.store.path)
        self.server = rig.Server(self.store.path,
                                 environment=self.disk.environment())
        self.server.start()
        self.client = rig.Client(self.store)
        self.client.expect("PUT", "")
        self.shelf = Shelf()
        self.seed = 0

    def start_anew(self):
        self.server.stop()
        self.client.reset()
        self.server.start()

    def count(self, kind):
        self.disk.arm(kind, 0, 0, False)
        self.run_script()
        self.disk.disarm()
        return self.disk.faults.seen

    def run_script(self):
        self.seed += 10
        return script(self.client, self.shelf, self.seed)

    def fail_at(self, kind, at, error, lasts):
        self.disk.arm(kind, at, error, lasts)
        self.run_script()
        self.disk.disarm()
        self.server.expect_alive()
        struck = self.disk.faults.hits > 0
        where = (self.disk.faults.thread.decode(),
                 self.disk.faults.file.decode())
        done, asked = self.run_script()
        failed = "FAILED" in rig.tarn("status", "--store", self.store.path)
        if failed:
            # A write of the side file, or a flush.  Of those that find no
            # space any more it was not the first.
            assert kind == FLUSH or lasts or where[1].endswith(
                "meta/checkpoint"), where
            assert done == 0, f"{done} changes after a failed flush"
            self.start_anew()
        elif done < asked and where[1].endswith("meta/data.mdb"):
            # The tables' last page: LMDB gives up, in this process.
            assert done == 0, f"{done} changes after a failed commit"
            self.start_anew()
        else:
            assert done == asked, f"{asked - done} changes fail, {where}"
            assert not (kind == FLUSH and struck and
                        where[0] != "tarn-reclaim"), where
        expect_shelf(self.client, self.shelf)
        return struck


def fail_in_turn(all_of_it, name, kind, error, lasts):
    calls = all_of_it.count(kind)
    assert calls > 10, f"{name}: the shim saw {calls} calls"
    step = max(1, calls // FAULTS)
    struck = 0
    for at in range(1 + random.randrange(step), calls + 1, step):
        struck += all_of_it.fail_at(kind, at, error, lasts)
    assert struck, f"{name}: no fault was met"
    all_of_it.client.abort_uploads()
    all_of_it.store.fsck()
    print(f"ok - {name}: {struck} of {calls}", flush=True)


def fail_under_way(all_of_it):
    """A long body is flushed while it still comes: store/flush_ahead.c."""
    body = body_of(1, 24 << 20)
    client, disk = all_of_it.client, all_of_it.disk
    whole = disk.faults.root
    # The tables are flushed for a token's last use, too, whenever that is.
    disk.faults.root = whole + b"/data"
    disk.arm(FLUSH, 1, errno.EIO, False)
    assert not attempt(all_of_it.shelf, "stream", body,
                       lambda: client.put("stream", body))
    disk.disarm()
    disk.faults.root = whole
    assert b"/data/" in disk.faults.file, disk.faults.file
    assert disk.faults.thread != b"tarn-checkpoint", "it was the commit's flush"
    assert "FAILED" in rig.tarn("status", "--store", all_of_it.store.path)
    done, _ = all_of_it.run_script()
    assert done == 0, f"{done} changes after a failed flush"
    all_of_it.start_anew()
    expect_shelf(client, all_of_it.shelf)
    all_of_it.client.abort_uploads()
    all_of_it.store.fsck()
    print("ok - a flush fails while a long body comes", flush=True)


def exit_of(*words, environment=None):
    done = subprocess.run(
        [rig.TARN, *map(str, words)], stdin=subprocess.DEVNULL,
        capture_output=True, check=False,
        env={**os.environ, **(environment or {})})
    return done.returncode


def backup_cannot_read(all_of_it):
    """One data file cannot be read: the backup says so, the restored store has
    all else, and nothing in the place of what is lost."""
    disk, client = all_of_it.disk, all_of_it.client
    bodies = {f"k{i}": body_of(i, 200000) for i in range(4)}
    for key, body in bodies.items():
        client.put(key, body)
    all_of_it.server.stop()
    store = all_of_it.store.path
    bad = next(path for path in all_of_it.store.data_files()
               if path.read_bytes() == bodies["k2"])
    for by, words in (("backup", ("backup", "--store", store, "--to")),
                      ("restore", None)):
        to, back = rig.TMP / f"{by}-to", rig.TMP / f"{by}-back"
        if by == "backup":
            disk.faults.root = str(bad).encode()
            disk.arm(READ, 1, errno.EIO, True)
            assert exit_of(*words, to, environment=disk.environment()) == 4
            disk.disarm()
        else:
            assert exit_of("backup", "--store", store, "--to", to) == 0
            copy = next(path for path in to.rglob(bad.name)
                        if path.read_bytes() == bodies["k2"])
            disk.faults.root = str(copy).encode()
            disk.arm(READ, 1, errno.EIO, True)
        assert exit_of("restore", "--from", to, "--store", back,
                       environment=disk.environment()) == 4
        assert by == "backup" or disk.faults.hits > 0
        disk.disarm()
        server = rig.Server(back, name=by)
        server.start()
        client.reset()
        for key, body in bodies.items():
            try:
                assert client.get(key) == (None if key == "k2" else body), key
            except rig.Lost:
                assert key == "k2", key
        server.stop()
    disk.faults.root = str(store).encode()
    client.reset()
    all_of_it.server.start()
    print("ok - a backup cannot read a file", flush=True)


def expect_no_zeros(client, key, body):
    try:
        assert client.get(key) in (None, body), f"{key} has other bytes"
    except rig.Lost:
        pass


def backup_cannot_read_a_segment(all_of_it):
    """Small objects whose checksum is not that of scrub: zeros are in their
    place in the copy, and nobody is to take these for what was put there."""
    disk, client = all_of_it.disk, all_of_it.client
    bodies = {f"s{i}": body_of(i, 3000) for i in range(4)}
    for key, body in bodies.items():
        crc = zlib.crc32(body).to_bytes(4, "big")
        client.expect("PUT", key, body=body, headers={
            "x-amz-checksum-crc32": base64.b64encode(crc).decode()})
    all_of_it.server.stop()
    store = all_of_it.store.path
    bad = next(path for path in all_of_it.store.data_files()
               if bodies["s2"] in path.read_bytes())
    to, back = rig.TMP / "segment-to", rig.TMP / "segment-back"
    disk.faults.root = str(bad).encode()
    disk.arm(READ, 1, errno.EIO, True)
    assert exit_of("backup", "--store", store, "--to", to,
                   environment=disk.environment()) == 4
    assert disk.faults.hits > 0
    disk.disarm()
    assert list(to.glob("*/lost")), "the backup does not tell"
    assert any(path.read_bytes().strip(b"\0") == b""
               for path in to.rglob(bad.name)), "there is no copy"
    assert exit_of("restore", "--from", to, "--store", back) == 4
    server = rig.Server(back, name="segment")
    server.start()
    client.reset()
    for key, body in bodies.items():
        expect_no_zeros(client, key, body)
    server.stop()
    disk.faults.root = str(store).encode()
    client.reset()
    all_of_it.server.start()
    print("ok - a backup cannot read a segment", flush=True)


class SmallDisk:
    """A file system of its own, which can be made to fail as a whole."""

    def __init__(self, place):
        self.image, self.path = place / "image", place / "disk"
        with open(self.image, "wb") as file:
            file.truncate(128 << 20)
        self.path.mkdir()
        self.run("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    @staticmethod
    def run(*words):
        subprocess.run([str(word) for word in words], check=True,
                       stdin=subprocess.DEVNULL)

    def mount(self):
        self.run("mount", "-o", "loop,errors=remount-ro", self.image,
                 self.path)

    def break_down(self):
        """What ext4 does where it meets an error: read-only from here on."""
        self.run("mount", "-o", "remount,abort", self.path)

    def unmount(self):
        """The kernel may still be ending what a killed server waited for."""
        end = time.monotonic() + 120
        while subprocess.run(["umount", str(self.path)], check=False,
                             stderr=subprocess.DEVNULL).returncode:
            assert time.monotonic() < end, f"{self.path} stays busy"
            time.sleep(0.1)

    def repair(self):
        self.unmount()
        subprocess.run(["e2fsck", "-p", "-f", str(self.image)], check=False,
                       stdout=subprocess.DEVNULL)
        self.mount()


def becomes_read_only(place):
    """The file system below a live store goes read-only, as after an error of
    the disk."""
    rig.TMP = place
    disk = SmallDisk(place)
    rig.TMP = disk.path
    try:
        store = rig.Store()
        rig.TMP = place
        server = rig.Server(store.path)
        server.start()
        client, shelf = rig.Client(store), Shelf()
        client.expect("PUT", "")
        done, asked = script(client, shelf, 1)
        assert done == asked
        disk.break_down()
        done, asked = script(client, shelf, 100)
        assert done == 0, f"{done} of {asked} acknowledged"
        found = client.get("small")
        assert found in shelf.may["small"], "what is there cannot be read"
        server.stop()
        disk.repair()
        client.reset()
        server.start()
        expect_shelf(client, shelf)
        done, asked = script(client, shelf, 200)
        assert done == asked, "the disk is well again, and writes fail"
        client.abort_uploads()
        server.stop()
        store.fsck()
    finally:
        if "server" in locals():
            server.end()
        disk.unmount()


def may_mount():
    probe = subprocess.run(["unshare", "-m", "true"], check=False,
                           stderr=subprocess.DEVNULL)
    return probe.returncode == 0 and os.path.exists("/dev/loop-control")


def main():
    passed = failed = skipped = 0
    if may_mount():
        try:
            with tempfile.TemporaryDirectory(dir=rig.TMP) as place:
                becomes_read_only(pathlib.Path(place))
            passed += 1
            print("ok - the file system becomes read-only", flush=True)
        except (AssertionError, OSError, rig.Lost,
                subprocess.CalledProcessError) as problem:
            failed += 1
            print(f"not ok - the file system becomes read-only: {problem}",
                  flush=True)
    else:
        skipped += 1
        print("skipped: becomes_read_only: may not mount")
    cases = [(sort[0], lambda rig, sort=sort: fail_in_turn(rig, *sort))
             for sort in SORTS]
    cases.append(("a flush fails while a long body comes", fail_under_way))
    cases.append(("a backup cannot read a file", backup_cannot_read))
    cases.append(("a backup cannot read a segment",
                  backup_cannot_read_a_segment))
    for name, run in cases:
        # In memory where it can be had: the disk is not what is tested.
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
        with tempfile.TemporaryDirectory(prefix="tarn-disk-faults.",
                                         dir=memory) as place:
            rig.TMP = pathlib.Path(place)
            all_of_it = Rig()
            try:
                run(all_of_it)
                all_of_it.server.stop()
                passed += 1
            except (AssertionError, OSError, rig.Lost) as problem:
                failed += 1
                print(f"not ok - {name}: {problem}", flush=True)
                print((rig.TMP / "serve.log").read_text()[-3000:], flush=True)
                all_of_it.server.end()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
