# SPDX-License-Identifier: Apache-2.0
"""File systems of a suite's own, in an image: to fill, and of another kind."""

import contextlib
import pathlib
import subprocess
import time

MINIMUM = {"xfs": 320 << 20, "ext4": 16 << 20}


def why_no_image(kind):
    """Why there can be no file system of that kind here; None: there can."""
    if not pathlib.Path("/dev/loop-control").exists():
        return "there are no loop devices here"
    if subprocess.run(["sh", "-c", f"command -v mkfs.{kind}"],
                      stdout=subprocess.DEVNULL, check=False).returncode:
        return f"there is no mkfs.{kind}"
    subprocess.run(["sh", "-c", f"modprobe {kind}"],
                   stderr=subprocess.DEVNULL, check=False)
    kinds = pathlib.Path("/proc/filesystems").read_text().split()
    return None if kind in kinds else f"this kernel has no {kind}"


def unmount(path):
    """Whoever used it may still be about to end."""
    end = time.monotonic() + 120
    while subprocess.run(["umount", str(path)], check=False,
                         stderr=subprocess.DEVNULL).returncode:
        assert time.monotonic() < end, f"{path} stays busy"
        time.sleep(0.1)


@contextlib.contextmanager
def image(kind, place, size=0):
    """The path of a new, empty file system, as long as it is wanted."""
    file, path = place / f"{kind}.img", place / kind
    path.mkdir()
    with open(file, "wb") as image_file:
        image_file.truncate(max(size, MINIMUM[kind]))
    subprocess.run([f"mkfs.{kind}", "-q", str(file)], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["mount", "-o", "loop", str(file), str(path)], check=True)
    try:
        yield path
    finally:
        unmount(path)
        path.rmdir()
        file.unlink()
