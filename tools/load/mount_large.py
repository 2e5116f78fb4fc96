# SPDX-License-Identifier: Apache-2.0
"""One large file: fio's jobs."""

import contextlib
import json
import os
import subprocess
import time

from bench_site import median

MIB = 1 << 20
GONE_S = 30

NOTE = ("fio, one job, on a file in the mount and on one beside the store. "
        "Not pinned.")
# FUSE.md's figures of a mirror file system that does nothing else.
LIMITS_NOTE = ("what the kernel does not do for a FUSE file, whoever serves "
               "it: a mirror file system that does nothing else has 0.11 to "
               "0.15 for the first and 0.2 to 0.3 for the second.")

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

LIMITS = (
    ("rand write 4k, io_uring, buffered",
     ("--rw=randwrite", "--ioengine=io_uring", "--iodepth=16", *RANDOM), "/s",
     "warm"),
    ("rand write 4k, O_DIRECT, 4 writers to one file",
     ("--rw=randwrite", "--ioengine=psync", "--direct=1", "--numjobs=4",
      "--group_reporting", *RANDOM), "/s", "warm"),
)


class Side:
    """A folder that is measured, and where its bytes lie."""

    def __init__(self, site, folder, data):
        self.site = site
        self.data = data
        self.file = folder / "fio"

    def fio(self, *words):
        size = 256 if self.site.is_quick else 2048
        seconds = 1 if self.site.is_quick else 3
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

    def large_files(self):
        for path in self.data.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_size >= 64 * MIB:
                    yield path

    def settle(self):
        """Nothing of what was written before is left to the next job."""
        for path in self.large_files():
            with open(path, "rb") as file:
                os.fsync(file.fileno())

    def prepare(self):
        if not self.file.exists():
            self.fio("--rw=write", *SEQ, "--end_fsync=1", "--runtime=600")

    def warm(self):
        self.prepare()
        self.settle()
        with open(self.file, "rb", buffering=0) as file:
            piece = bytearray(4 * MIB)
            while file.readinto(piece):
                pass

    def cool(self):
        self.prepare()
        self.settle()
        for path in self.large_files():
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0,
                                 os.POSIX_FADV_DONTNEED)

    def remove(self):
        """The store unlinks what is removed some time after; beside it,
        that has been done when unlink returns."""
        self.file.unlink(missing_ok=True)
        end = time.monotonic() + GONE_S
        while any(self.large_files()) and time.monotonic() < end:
            time.sleep(0.05)
        os.sync()


def measure(report, place, jobs):
    site = place.site
    data = {place.bare: place.bare}
    for name, words, unit, before in jobs:
        if not report.wants(name):
            continue
        results = {}
        for turn in range(1 if site.is_quick else 3):
            for folder in place.sides(turn):
                side = Side(site, folder,
                            data.get(folder, place.store / "data"))
                getattr(side, before)()
                results.setdefault(folder, []).append(side.fio(*words))
        ours, theirs = place.sides(0)
        report.row(name, unit, median(results[ours])[unit], "bare",
                   median(results[theirs])[unit])


def run(report, place):
    with place.mount():
        report.group(f"Mount{place.title}: large files", NOTE)
        measure(report, place, JOBS)
        report.group(f"Mount{place.title}: limits of the kernel", LIMITS_NOTE)
        measure(report, place, LIMITS)
        for folder in place.sides(0):
            (folder / "fio").unlink(missing_ok=True)
