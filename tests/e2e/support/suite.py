# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of a client, and has those that every client must pass.

A client is an object with put(file, bucket, key), get(bucket, key, file),
keys(bucket, prefix), copy(bucket, key, to), delete(bucket, key),
make_bucket(bucket) and remove_bucket(bucket), with all that is in it.
"""

import filecmp
import os
import shutil
import sys
import time
import traceback

from support.site import Site

BUCKET = "photos"
SMALL = 1000
LARGE = 20 << 20  # of several parts, for every client
NAMES = ["plain", "dir/below", "dir/deep/er/still", "with space",
         "umlaut-\u00e4\u00f6", "plus+and&amp", "percent%20", "(a)[b]'c'"]


def assert_same(one, other):
    assert filecmp.cmp(one, other, shallow=False), f"{one} is not {other}"


def fetch(site, client, key):
    path = site.work / "fetched"
    path.unlink(missing_ok=True)
    client.get(BUCKET, key, path)
    return path


def makes_a_bucket(site, client):
    client.make_bucket(BUCKET)

    if site.is_mounted:
        assert (site.mount / BUCKET).is_dir()


def sends_small_objects_of_all_names(site, client):
    file = site.file("small", SMALL)

    for name in NAMES:
        client.put(file, BUCKET, name)

    assert sorted(client.keys(BUCKET, "")) == sorted(NAMES)
    for name in NAMES:
        assert_same(file, fetch(site, client, name))
        if site.is_mounted:
            assert_same(file, site.mount / BUCKET / name)


def sends_an_empty_object(site, client):
    file = site.file("empty", 0)

    client.put(file, BUCKET, "empty")

    assert fetch(site, client, "empty").stat().st_size == 0


def sends_large_objects_in_parts(site, client):
    file = site.file("large", LARGE + 12345)

    client.put(file, BUCKET, "large.bin")

    assert_same(file, fetch(site, client, "large.bin"))
    if site.is_mounted:
        assert_same(file, site.mount / BUCKET / "large.bin")


def replaces_an_object(site, client):
    file = site.file("other", 2 * SMALL)

    client.put(file, BUCKET, "plain")

    assert_same(file, fetch(site, client, "plain"))
    if site.is_mounted:
        assert_same(file, site.mount / BUCKET / "plain")


def lists_by_prefix(site, client):
    del site

    assert sorted(client.keys(BUCKET, "dir/")) == ["dir/below",
                                                   "dir/deep/er/still"]
    assert not client.keys(BUCKET, "none/")


def copies_objects(site, client):
    client.copy(BUCKET, "large.bin", "copy/of/large.bin")
    client.copy(BUCKET, "umlaut-\u00e4\u00f6", "copy/of/umlaut-\u00e4\u00f6")

    assert_same(site.work / "large", fetch(site, client, "copy/of/large.bin"))
    assert_same(site.work / "small",
                fetch(site, client, "copy/of/umlaut-\u00e4\u00f6"))


def files_in(client, prefix):
    return sorted(key for key in client.keys(BUCKET, prefix)
                  if not key.endswith("/"))


def reads_what_a_mount_wrote(site, client):
    tree = site.mount / BUCKET / "from" / "mount"
    tree.mkdir(parents=True)
    for name, size in ("empty", 0), ("small", SMALL), ("large", LARGE):
        (tree / name).write_bytes(os.urandom(size))
    names = sorted(path.name for path in tree.iterdir())

    # A file that stayed empty appears a moment after its close.
    deadline = time.monotonic() + 30
    while (len(files_in(client, "from/")) < len(names) and
           time.monotonic() < deadline):
        time.sleep(0.1)

    assert files_in(client, "from/") == [f"from/mount/{name}"
                                         for name in names]
    for name in names:
        assert_same(tree / name, fetch(site, client, f"from/mount/{name}"))


def reads_what_a_mount_changed(site, client):
    path = site.mount / BUCKET / "large.bin"
    with open(path, "r+b") as file:
        file.seek(1 << 20)
        file.write(b"changed in the middle")
        file.seek(0, os.SEEK_END)
        file.write(b"and longer")

    assert_same(path, fetch(site, client, "large.bin"))
    assert b"changed in the middle" in (site.work / "fetched").read_bytes()
    # What shared its bytes has kept them.
    assert_same(site.work / "large", fetch(site, client, "copy/of/large.bin"))


def lists_a_directory_that_a_mount_renamed(site, client):
    (site.mount / BUCKET / "dir").rename(site.mount / BUCKET / "renamed")

    assert not client.keys(BUCKET, "dir/")
    assert sorted(client.keys(BUCKET, "renamed/")) == [
        "renamed/below", "renamed/deep/er/still"]
    assert_same(site.work / "small", fetch(site, client, "renamed/below"))


def deletes_objects(site, client):
    for key in client.keys(BUCKET, "copy/"):
        client.delete(BUCKET, key)

    assert not client.keys(BUCKET, "copy/")
    if site.is_mounted:
        assert not (site.mount / BUCKET / "copy").exists()


def removes_the_bucket(site, client):
    if site.is_mounted:
        shutil.rmtree(site.mount / BUCKET / "from")

    client.remove_bucket(BUCKET)

    if site.is_mounted:
        assert not (site.mount / BUCKET).exists()


OF_ALL = [
    makes_a_bucket,
    sends_small_objects_of_all_names,
    sends_an_empty_object,
    sends_large_objects_in_parts,
    replaces_an_object,
    lists_by_prefix,
    copies_objects,
]
OF_MOUNTS = [
    reads_what_a_mount_wrote,
    reads_what_a_mount_changed,
    lists_a_directory_that_a_mount_renamed,
]
AT_LAST = [
    deletes_objects,
    removes_the_bucket,
]


class Counts:
    """What came of the tests so far."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name, test, *args):
        try:
            test(*args)
        except Exception as error:  # whatever it is, it is the test's
            self.failed += 1
            print(f"not ok - {name}: {error}")
            traceback.print_exc(file=sys.stdout)
        else:
            self.passed += 1
            print(f"ok - {name}")
        sys.stdout.flush()

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped: {name}: {why}")

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, "
              f"{self.skipped} skipped")
        sys.exit(self.failed > 0)


def skip_all(name, why):
    counts = Counts()
    counts.skip(name, why)
    counts.finish()


def main(make_client, own_tests=(), **options):
    """Runs everything with the client that make_client(site) gives."""
    counts = Counts()
    site = Site(**options)
    try:
        client = make_client(site)
        for test in [*OF_ALL, *own_tests]:
            counts.run(test.__name__, test, site, client)
        for test in OF_MOUNTS:
            if site.is_mounted:
                counts.run(test.__name__, test, site, client)
            else:
                counts.skip(test.__name__, "no /dev/fuse here")
        for test in AT_LAST:
            counts.run(test.__name__, test, site, client)
    finally:
        counts.run("processes end well", site.close)
    counts.finish()
