# SPDX-License-Identifier: Apache-2.0
"""Many small files in one directory."""

import contextlib
import os
import pathlib
import shutil

from bench_site import median, resident_mib

NOTE = ("files of 4 KiB in one directory; one thread where no other number is "
        "told; nothing is flushed. Not pinned.")

TREE = (("create", "create + write + close"),
        ("stat", "stat, first after close"),
        ("statAgain", "stat, hot"),
        ("openRead", "open + read + close, first"),
        ("readdir", "readdir, hot"),
        ("rename", "rename"), ("unlink", "unlink"))

# Files, bytes each, how the row calls them.
READS = ((500, 4096, "4 KiB"), (100, 100 << 10, "100 KiB"))
PROCESSES = (1, 8)


def tree(report, place, suffix=""):
    if not any(report.wants(name + suffix) for _, name in TREE):
        return
    count = 1000 if place.site.is_quick else 10000
    results = {}
    for turn in range(2 if place.site.is_quick else 5):
        for folder in place.sides(turn):
            results.setdefault(folder, []).append(
                place.site.files("tree", folder, count))
    ours, theirs = (median(results[side]) for side in place.sides(0))
    for field, name in TREE:
        report.row(name + suffix, "/s", ours[field], "bare", theirs[field])


def fill(place, name, count, size):
    for folder in place.sides(0):
        if not (folder / name).exists():
            place.site.files("fill", folder / name, count, size)


def drop_caches():
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("2\n")


def compare(report, place, row, field, prepare, *words):
    """`words`: verb, name below each side, the rest."""
    if not report.wants(row):
        return
    results = {}
    for turn in range(1 if place.site.is_quick else 3):
        for folder in place.sides(turn):
            prepare()
            results.setdefault(folder, []).append(place.site.files(
                words[0], folder / words[1], *words[2:])[field])
    ours, theirs = (sorted(results[side])[len(results[side]) // 2]
                    for side in place.sides(0))
    report.row(row, "/s", ours, "bare", theirs)


def cold(report, place, suffix=""):
    """Names and attributes dropped from the kernel's caches before."""
    rows = (("stat, cold, by name" + suffix, "stat"),
            ("stat, cold, in the order of readdir" + suffix, "walk"))
    if os.geteuid() or not any(report.wants(row) for row, _ in rows):
        return
    count = 1000 if place.site.is_quick else 10000
    fill(place, "cold", count, 4096)
    for row, verb in rows:
        compare(report, place, row, verb, drop_caches, verb, "cold", count)


def list_many(report, place):
    count = 2000 if place.site.is_quick else 100000
    row = f"readdir of {count:,} entries, hot"
    if not report.wants(row):
        return
    fill(place, "many", count, 1)
    compare(report, place, row, "list", lambda: None, "list", "many", count)


def reads(report, place, suffix):
    seconds = 0.5 if place.site.is_quick else 2
    for count, size, shown in READS:
        for processes in PROCESSES:
            row = f"open + read + close {shown}, {processes} " \
                + ("process" if processes == 1 else "processes") + suffix
            if not report.wants(row):
                continue
            name = f"of-{size}"

            def warm():
                for folder in place.sides(0):
                    place.site.files("read", folder / name, count, size, 1,
                                     0.2)
            compare(report, place, row, "openRead", warm, "read", name,
                    count, size, processes, seconds)


def memory(report, place, mount):
    count = 2000 if place.site.is_quick else 1000000
    row = f"resident memory after {count:,} files"
    if not report.wants(row):
        return
    folder = place.sides(0)[0] / "memory"
    place.site.files("fill", folder, 1000, 1)
    place.site.files("walk", folder, 1000)
    before = resident_mib(mount.pid)
    shutil.rmtree(folder)
    place.site.files("fill", folder, count, 1)
    place.site.files("walk", folder, count)
    report.row(row, "MiB", resident_mib(mount.pid), "after 1,000", before)


@contextlib.contextmanager
def io_uring_switched_on():
    """False where the kernel has none, or who asks is not root."""
    parameter = pathlib.Path("/sys/module/fuse/parameters/enable_uring")
    if os.geteuid() or not parameter.exists():
        yield False
        return
    before = parameter.read_text()
    parameter.write_text("Y")
    try:
        yield True
    finally:
        parameter.write_text(before)


def over_io_uring(report, place):
    with io_uring_switched_on() as is_on:
        if not is_on:
            return
        with place.mount():
            tree(report, place, ", over io_uring")
            cold(report, place, ", over io_uring")
            reads(report, place, ", over io_uring")


def run(report, place):
    report.group(f"Mount{place.title}: small files", NOTE)
    with place.mount() as mount:
        tree(report, place)
        cold(report, place)
        list_many(report, place)
        for count, size, _ in READS:
            fill(place, f"of-{size}", count, size)
        reads(report, place, "")
        memory(report, place, mount)
    over_io_uring(report, place)
    with place.mount("--small-files"):
        reads(report, place, ", --small-files")
