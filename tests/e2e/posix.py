#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of tests/fs/posix, by a mount of a store on each file system.

First on the bare file system, where all but those of FUSE must hold, too: so
the tables say what POSIX and Linux do, and not what we do.
"""

import contextlib
import os
import pathlib
import subprocess
import sys

from support.disk import image, why_no_image
from support.site import ROOT, TARN, can_mount, run
from support.suite import Counts, skip_all

TMP = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / "posix"
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/debug"))
PROGRAM = BUILD / "tests/fs/posix"
TABLES = sorted((ROOT / "tests/fs/posix").glob("*.posix"))
OF_ALL = [table for table in TABLES if table.stem != "fuse"]


@contextlib.contextmanager
def mounted(store, *options):
    """The path of a mount of the store, which is made if need be."""
    point = TMP / "mount"
    point.mkdir(exist_ok=True)
    if not store.exists():
        run(TARN, "init", "--store", store)
    with open(TMP / "log", "ab") as log:
        subprocess.run([TARN, "mount", point, "--store", store, "--background",
                        *options], check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=log)
    try:
        yield point
    finally:
        run("fusermount3", "-u", point)


def run_tables(counts, where, directory, tables):
    """Adds the cases to the counts; prints those that fail."""
    result = subprocess.run([PROGRAM, directory, *tables], check=False,
                            stdout=subprocess.PIPE, text=True, timeout=120)
    words = result.stdout.splitlines()[-1].split()
    for line in result.stdout.splitlines()[:-1]:
        print(f"not ok - {where}: {line}")
    print(f"{where}: {result.stdout.splitlines()[-1]}")
    counts.passed += int(words[0])
    counts.failed += int(words[2])


def run_on_mount(counts, where, place):
    with mounted(place / "store") as point:
        (point / "bucket").mkdir()
        (point / "bucket").chmod(0o755)
        run_tables(counts, where, point / "bucket", TABLES)
    run(TARN, "fsck", "--store", place / "store")


def a_read_only_mount_refuses_every_change(place):
    with mounted(place / "store") as point:
        (point / "bucket/full").mkdir()
        (point / "bucket/full/file").write_text("text")
        (point / "bucket/file").write_text("text")
    with mounted(place / "store", "--read-only") as point:
        top = point / "bucket"
        assert (top / "file").read_text() == "text"
        changes = {
            "create": lambda: (top / "new").touch(),
            "write": lambda: open(top / "file", "r+b"),
            "truncate": lambda: os.truncate(top / "file", 0),
            "mkdir": lambda: (top / "new").mkdir(),
            "mknod": lambda: os.mkfifo(top / "new"),
            "symlink": lambda: (top / "new").symlink_to("file"),
            "link": lambda: os.link(top / "file", top / "new"),
            "rename": lambda: (top / "file").rename(top / "new"),
            "unlink": lambda: (top / "file").unlink(),
            "rmdir": lambda: (top / "full").rmdir(),
            "chmod": lambda: (top / "file").chmod(0o600),
            "chown": lambda: os.chown(top / "file", 1, 1),
            "utimensat": lambda: os.utime(top / "file", (1, 1)),
            "setxattr": lambda: os.setxattr(top / "file", "user.a", b"x"),
        }
        for name, change in changes.items():
            try:
                change()
            except OSError as error:
                assert error.errno == 30, f"{name}: {error}"
            else:
                raise AssertionError(f"{name} was let through")


def main():
    counts = Counts()
    if not can_mount() or os.geteuid() != 0:
        skip_all("posix", "no /dev/fuse here" if os.geteuid() == 0
                 else "not root")
    TMP.mkdir()
    TMP.chmod(0o755)
    (TMP / "bare").mkdir()
    run_tables(counts, "bare", TMP / "bare", OF_ALL)
    run_on_mount(counts, "mount", TMP)
    counts.run("a read-only mount refuses every change",
               a_read_only_mount_refuses_every_change, TMP)
    why_not = why_no_image("xfs")
    if why_not:
        counts.skip("store on xfs", why_not)
    else:
        with image("xfs", TMP) as place:
            run_on_mount(counts, "mount of a store on xfs", place)
    counts.finish()


sys.exit(main())
