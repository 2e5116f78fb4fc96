# SPDX-License-Identifier: Apache-2.0
"""The mount beside the file system it lies on, the same jobs in turns."""

import contextlib
import os

import mount_large
import mount_small
import mount_trees


class Place:
    """A file system that is measured: a store on it, and a folder beside."""

    def __init__(self, site, folder, store, title):
        self.site = site
        self.folder = folder
        self.store = store
        self.title = title
        self.bare = folder / "bare"
        self.point = folder / "mnt"
        self.bare.mkdir()
        if not store.exists():
            site.tarn("init", "--store", store)

    @contextlib.contextmanager
    def mount(self, *words):
        """The mount's process, while it is mounted."""
        with self.site.mount(self.point, *words, store=self.store) as mount:
            if "--small-files" not in words:
                (self.point / "files").mkdir(exist_ok=True)
            yield mount
        self.point.rmdir()

    def sides(self, turn):
        """What is measured and what stands beside it, in turns."""
        both = (self.point / "files", self.bare)
        return both if turn % 2 == 0 else both[::-1]


def measure(report, place):
    mount_large.run(report, place)
    mount_small.run(report, place)
    mount_trees.run(report, place)


def can_mount():
    if os.access("/dev/fuse", os.W_OK):
        return True
    print("bench: no /dev/fuse: the mount is not measured")
    return False


def run(site, report):
    if can_mount():
        measure(report, Place(site, site.dir, site.store, ""))
