# SPDX-License-Identifier: Apache-2.0
"""The mount beside the file system it lies on, the same jobs in turns."""

import contextlib
import json
import os
import pathlib
import subprocess

from bench_site import median

MIB = 1 << 20

FIO_NOTE = ("fio, one job, on a file in the mount and on one beside the "
            "store. Not pinned.")
SMALL_NOTE = ("one thread, files of 4 KiB in one directory; nothing is "
              "flushed. Not pinned.")

SEQ = ("--bs=1M", "--ioengine=psync")
RANDOM = ("--bs=4k", "--time_based")
ASYNC = ("--ioengine=libaio", "--iodepth=32", "--direct=1")

# Name, fio's words, kind of figure, what is done to the file before.
JOBS = (
    ("seq read 1M, hot", ("--rw=read", *SEQ), "B/s", "warm"),
    ("seq read 1M, cold", ("--rw=read", *SEQ), "B/s", "cool"),
    ("seq read 1M, O_DIRECT", ("--rw=read", *SEQ, "--direct=1"), "B/s",
     "cool"),
    ("rand read 4k, hot", ("--rw=randread", "--ioengine=psync", *RANDOM),
     "/s", "warm"),
    ("rand read 4k, O_DIRECT, depth 32",
     ("--rw=randread", *ASYNC, *RANDOM), "/s", "cool"),
    ("rand read 4k, mmap, hot", ("--rw=randread", "--ioengine=mmap", *RANDOM),
     "/s", "warm"),
    ("seq write 1M", ("--rw=write", *SEQ), "B/s", "remove"),
    ("seq write 1M, fsync at the end", ("--rw=write", *SEQ, "--end_fsync=1"),
     "B/s", "remove"),
    ("rand write 4k", ("--rw=randwrite", "--ioengine=psync", *RANDOM), "/s",
     "warm"),
    ("rand write 4k, libaio",
     ("--rw=randwrite", "--ioengine=libaio", "--iodepth=16", *RANDOM), "/s",
     "warm"),
    ("rand write 4k, O_DIRECT, depth 32", ("--rw=randwrite", *ASYNC, *RANDOM),
     "/s", "warm"),
    ("rand write 4k, fdatasync each",
     ("--rw=randwrite", "--ioengine=psync", "--fdatasync=1", *RANDOM), "/s",
     "warm"),
)

SMALL = (("create", "create + write + close"), ("stat", "stat, first"),
         ("statAgain", "stat, again"),
         ("openRead", "open + read + close, first"),
         ("openReadAgain", "open + read + close, again"),
         ("readdir", "readdir"), ("rename", "rename"), ("unlink", "unlink"))


class Side:
    """A folder that is measured, and where its bytes lie."""

    def __init__(self, folder, data):
        self.folder = folder
        self.data = data
        self.file = folder / "fio"

    def fio(self, site, *words):
        size = 256 if site.is_quick else 2048
        seconds = 1 if site.is_quick else 3
        child = subprocess.run(
            ["fio", "--name=job", f"--filename={self.file}",
             f"--size={size}M", f"--runtime={seconds}", "--invalidate=0",
             "--fallocate=none", "--randrepeat=1", "--thread",
             "--output-format=json", *words],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if child.returncode:
            raise SystemExit(f"bench: fio: {child.stderr.strip()}")
        text = child.stdout
        job = json.loads(text[text.index("{"):])["jobs"][0]
        way = job["read"] if job["read"]["io_bytes"] else job["write"]
        return {"B/s": way["bw_bytes"], "/s": way["iops"]}

    def write(self, site):
        self.fio(site, "--rw=write", *SEQ, "--end_fsync=1",
                 "--runtime=600")

    def large_files(self):
        for path in pathlib.Path(self.data).rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_size >= 64 * MIB:
                    yield path

    def warm(self, site):
        if not self.file.exists():
            self.write(site)
        with open(self.file, "rb", buffering=0) as file:
            piece = bytearray(4 * MIB)
            while file.readinto(piece):
                pass

    def cool(self, site):
        if not self.file.exists():
            self.write(site)
        for path in self.large_files():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0,
                                 os.POSIX_FADV_DONTNEED)

    def remove(self, site):
        self.file.unlink(missing_ok=True)


def large(site, report, mount, bare):
    report.group("Mount: large files", FIO_NOTE)
    for name, words, unit, before in JOBS:
        results = {mount: [], bare: []}
        for turn in range(1 if site.is_quick else 3):
            sides = (mount, bare) if turn % 2 == 0 else (bare, mount)
            for side in sides:
                getattr(side, before)(site)
                results[side].append(side.fio(site, *words))
        report.row(name, unit, median(results[mount])[unit], "bare",
                   median(results[bare])[unit])
    for side in (mount, bare):
        side.remove(site)


def small(site, report, mount, bare):
    count = 2000 if site.is_quick else 10000
    report.group("Mount: small files", SMALL_NOTE)
    results = {mount: [], bare: []}
    for turn in range(2 if site.is_quick else 5):
        sides = (mount, bare) if turn % 2 == 0 else (bare, mount)
        for side in sides:
            results[side].append(site.files("tree", side.folder, count))
    ours, theirs = median(results[mount]), median(results[bare])
    for field, name in SMALL:
        report.row(name, "/s", ours[field], "bare", theirs[field])


def run(site, report):
    if not os.access("/dev/fuse", os.W_OK):
        print("bench: no /dev/fuse: the mount is not measured")
        return
    point = site.dir / "mnt"
    bare = site.dir / "bare"
    bare.mkdir()
    with site.mount(point):
        (point / "files").mkdir()
        ours = Side(point / "files", site.store / "data")
        large(site, report, ours, Side(bare, bare))
        small(site, report, ours, Side(bare, bare))
