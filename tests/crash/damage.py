#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bits that flip on the disk below a server and a mount: nobody gets them once
they are found, and everybody is told."""

import errno
import json
import os
import sys
import time

import rig

LARGE, SMALL = 300000, 3000


def body_of(key, size):
    word = f"{key};".encode()
    return (word * (size // len(word) + 1))[:size]


def flip(store, body):
    """Flips a bit of those bytes, wherever they lie, as a disk does: the file's
    times stay."""
    for path in store.data_files():
        at = path.read_bytes().find(body)
        if at < 0:
            continue
        times = os.stat(path)
        with open(path, "r+b", buffering=0) as file:
            file.seek(at + len(body) // 2)
            byte = file.read(1)[0]
            file.seek(at + len(body) // 2)
            file.write(bytes([byte ^ 16]))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        return
    raise AssertionError("these bytes are in no file")


def expect_refused(client, key):
    try:
        client.get(key)
    except rig.Lost as error:
        assert "500" in str(error) and "InternalError" in str(error), error
        return
    raise AssertionError(f"{key} is given, though it is damaged")


def expect_unreadable(mount, key):
    try:
        (mount.path / rig.BUCKET / key).read_bytes()
    except OSError as error:
        assert error.errno == errno.EIO, error
        return
    raise AssertionError(f"{key} can be read, though it is damaged")


def scrub(store, status):
    text = rig.tarn("scrub", "--json", "--store", store.path, ok=(status,))
    # Behind the lines of the log.
    return json.loads(text[text.index("{\n"):])


def wait_for(is_so, what):
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def damaged_count(store):
    status = json.loads(rig.tarn("status", "--json", "--store", store.path))
    return status["damagedBlobs"]


def found_by_the_command(store, client, mount=None):
    for key, size in (("large", LARGE), ("small", SMALL), ("well", LARGE)):
        client.put(key, body_of(key, size))
    assert scrub(store, 0)["damaged"] == 0
    flip(store, body_of("large", LARGE))
    flip(store, body_of("small", SMALL))
    found = scrub(store, 4)
    assert found["damaged"] == 2, found
    names = sorted(finding["name"] for finding in found["list"])
    assert names == [f"{rig.BUCKET}/large", f"{rig.BUCKET}/small"], names
    assert damaged_count(store) == 2
    assert "damaged" in rig.tarn("fsck", "--store", store.path, ok=(4,))
    for key in ("large", "small"):
        expect_refused(client, key)
        if mount:
            expect_unreadable(mount, key)
    assert client.get("well") == body_of("well", LARGE)


def put_right(store, client, mount=None):
    client.put("large", body_of("other", LARGE))
    assert client.get("large") == body_of("other", LARGE)
    if mount:
        assert (mount.path / rig.BUCKET / "large").read_bytes() == body_of(
            "other", LARGE)
    # The same bit once more, and the bytes are what they were.
    broken = bytearray(body_of("small", SMALL))
    broken[SMALL // 2] ^= 16
    flip(store, bytes(broken))
    assert scrub(store, 0)["wellAgain"] == 1
    assert client.get("small") == body_of("small", SMALL)
    assert damaged_count(store) == 0


def found_by_the_server(store, client):
    flip(store, body_of("well", LARGE))
    wait_for(lambda: damaged_count(store) == 1, "the server does not scrub")
    expect_refused(client, "well")
    log = rig.TMP / "serve.log"
    wait_for(lambda: f"{rig.BUCKET}/well" in log.read_text(),
             "the log does not tell")
    client.delete("well")
    assert damaged_count(store) == 0


def run_all():
    store = rig.Store()
    client = rig.Client(store)
    mounts = [rig.Mount(store.path, "mount")] if rig.can_mount() else []
    with rig.running(rig.Server(store.path, "--scrub-rate", 0), *mounts):
        client.expect("PUT", "")
        found_by_the_command(store, client, *mounts)
        put_right(store, client, *mounts)
    client.reset()
    with rig.running(rig.Server(store.path, "--scrub-every", 1)):
        found_by_the_server(store, client)
    store.fsck()


def main():
    try:
        run_all()
        print("1 passed, 0 failed")
        return 0
    except (AssertionError, OSError, rig.Lost) as error:
        print(f"not ok: {type(error).__name__} {error}")
        print("0 passed, 1 failed")
        return 1


if __name__ == "__main__":
    sys.exit(main())
