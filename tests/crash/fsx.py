#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 7200
"""Random operations on files of a mount, against a model in memory (fsx.c); now
and then S3 must give the same bytes.  TEST_LONG: a million operations."""

import os
import random
import subprocess
import sys
import zlib

import rig

STEPS = 1000000 if os.environ.get("TEST_LONG") else 12000
COMPARE_EACH = 500
BUILD = os.environ.get("BUILD", str(rig.ROOT / "build/debug"))


def run(client, directory, seed):
    process = subprocess.Popen(
        [BUILD + "/tests/fs/fsx", directory, str(STEPS), str(seed),
         str(COMPARE_EACH)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    compared = 0
    for line in process.stdout:
        if line.startswith("#"):
            print(line, end="")
        if not line.startswith("compare "):
            continue
        _, name, size, checksum = line.split()
        body = client.get(name)
        found = (None if body is None else
                 (len(body), f"{zlib.crc32(body):08x}"))
        is_same = found == (int(size), checksum)
        if not is_same:
            print(f"# {name}: S3 gives {found}, not {size} {checksum}")
        compared += 1
        process.stdin.write("same\n" if is_same else "other\n")
        process.stdin.flush()
    print(f"# {compared} objects compared through S3")
    return process.wait() == 0 and compared > 0


def main():
    if not rig.can_mount():
        print("skipped: fsx: no /dev/fuse here")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    seed = int(os.environ.get("TEST_SEED", random.getrandbits(40)))
    store = rig.Store()
    server, mount = rig.Server(store.path), rig.Mount(store.path, "mount")
    print(f"# seed {seed}")
    with rig.running(server, mount):
        (mount.path / rig.BUCKET).mkdir()
        is_good = run(rig.Client(store), mount.path / rig.BUCKET, seed)
    print(store.fsck())
    print(f"{int(is_good)} passed, {int(not is_good)} failed")
    return int(not is_good)


sys.exit(main())
