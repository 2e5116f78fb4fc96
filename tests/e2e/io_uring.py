#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mounts over io_uring: suites of the mount again, with the kernel's parameter
set, which is off by default."""

import contextlib
import fcntl
import os
import pathlib
import subprocess
import sys

from support.site import ROOT, TARN, can_mount, run
from support.suite import Counts, skip_all

PARAMETER = pathlib.Path("/sys/module/fuse/parameters/enable_uring")
TMP = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / "io_uring"
AGAIN = ("e2e/posix", "e2e/mount", "crash/fsx", "crash/race")


def why_not():
    if os.geteuid() != 0:
        return "not root"
    if not can_mount():
        return "no /dev/fuse here"
    if not PARAMETER.exists():
        return "the kernel has none (6.14 does)"
    return None


@contextlib.contextmanager
def switched_on():
    with open(PARAMETER, "rb") as held:
        # Others that change it wait, as tests/fs/test_ring.c does.
        fcntl.flock(held, fcntl.LOCK_EX)
        before = PARAMETER.read_text()
        PARAMETER.write_text("Y")
        try:
            yield
        finally:
            PARAMETER.write_text(before)


def first_line(*options):
    point = TMP / "mount"
    with open(TMP / "log", "ab") as log:
        out = subprocess.run(
            [TARN, "mount", point, "--store", TMP / "store", "--background",
             *options], check=True, timeout=60, text=True,
            stdout=subprocess.PIPE, stderr=log).stdout
    run("fusermount3", "-u", point)
    return out


def it_is_used_unless_it_is_refused():
    (TMP / "mount").mkdir(parents=True)
    run(TARN, "init", "--store", TMP / "store")
    assert "over io_uring" in first_line()
    assert "over io_uring" not in first_line("--no-io-uring")


def run_again(counts, name):
    """Adds the counts of another suite, which it prints at its end."""
    folder = TMP / name
    folder.mkdir(parents=True)
    result = subprocess.run(
        [ROOT / "tests" / f"{name}.py"], check=False, text=True, timeout=900,
        stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(folder)})
    print(result.stdout, end="")
    words = result.stdout.splitlines()[-1].replace(",", "").split()
    passed, failed, skipped = (*map(int, words[::2]), 0)[:3]
    counts.passed += passed
    counts.failed += failed or result.returncode != 0
    counts.skipped += skipped


def main():
    if why_not():
        skip_all("io_uring", why_not())
    counts = Counts()
    with switched_on():
        counts.run("it is used, unless it is refused",
                   it_is_used_unless_it_is_refused)
        for name in AGAIN:
            run_again(counts, name)
    counts.finish()


sys.exit(main())
