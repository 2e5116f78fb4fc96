# SPDX-License-Identifier: Apache-2.0
"""The rows of the mount once more, on xfs in a loop image."""

import contextlib
import os
import shutil
import subprocess

import mount_rows

IMAGE_SIZE = 24 << 30  # sparse


@contextlib.contextmanager
def xfs(site):
    image = site.dir / "xfs.img"
    folder = site.dir / "xfs"
    folder.mkdir()
    with open(image, "wb"):
        os.truncate(image, IMAGE_SIZE)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=False)
        image.unlink()


def run(site, report):
    if not mount_rows.can_mount():
        return
    if os.geteuid() or not shutil.which("mkfs.xfs"):
        print("bench: not root, or no mkfs.xfs: xfs is not measured")
        return
    with xfs(site) as folder:
        place = mount_rows.Place(site, folder, folder / "store", " on xfs")
        mount_rows.measure(report, place)
