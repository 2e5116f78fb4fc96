#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Backups of a store under load: S3 and a mount write, overwrite, rename and
delete; one backup is whole, some are since the one before, some are killed.
Each is restored, passes fsck, and has of every key a whole version that was
there while the backup was made.  A restore that is killed leaves what nobody
opens.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import rig

SECONDS = 60 if os.environ.get("TEST_LONG") else 5
KEYS = 12


def body_of(key, version):
    """Bytes that tell whose they are, and which."""
    word = f"{key} {version};".encode()
    size = random.Random(f"{key} {version}").choice(
        [len(word), 3000, 70000, 900000])
    return (word * (size // len(word) + 1))[:max(size, len(word))]


def version_of(key, body):
    found = re.match(rb"(\S+) (\d+);", body)
    assert found and found[1].decode() == key, f"{key}: {body[:40]}"
    version = int(found[2])
    assert body == body_of(key, version), f"{key}: not whole, {len(body)}"
    return version


class Loader(threading.Thread):
    """Writes new versions of its own keys; notes which are acknowledged."""

    def __init__(self, client, mount, name):
        super().__init__()
        self.client, self.mount, self.name_of_all = client, mount, name
        self.begun, self.done = {}, {}
        self.is_over = threading.Event()
        self.error = None

    def keys(self):
        return [f"{self.name_of_all}/k{i}" for i in range(KEYS)]

    def one(self, version):
        key = random.choice(self.keys())
        self.begun[key] = version
        body = body_of(key, version)
        if self.mount and random.random() < 0.4:
            path = self.mount.path / rig.BUCKET / key
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name("fresh")
            with open(fresh, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.rename(fresh, path)
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.close(file)
        else:
            self.client.put(key, body)
        self.done[key] = version

    def run(self):
        try:
            version = 1
            while not self.is_over.is_set():
                self.one(version)
                version += 1
        except (AssertionError, OSError, rig.Lost) as error:
            self.error = error


class Backups:
    def __init__(self, store, loaders):
        self.store, self.loaders = store, loaders
        self.path = rig.TMP / "backups"
        self.made = []  # commit, what was acknowledged before, begun after

    def versions(self, which):
        return {key: version for loader in self.loaders
                for key, version in dict(getattr(loader, which)).items()}

    def make(self):
        before = self.versions("done")
        since = ["--since", self.made[-1][0]] if self.made else []
        text = rig.tarn("backup", "--store", self.store.path, "--to",
                        self.path, *since)
        commit = re.search(r"^backup (\d+):", text, re.M)[1]
        self.made.append((commit, before, self.versions("begun")))
        print(text, end="", flush=True)

    def kill_one(self):
        """A backup that is killed in the midst of it."""
        process = subprocess.Popen(
            [rig.TARN, "backup", "--store", str(self.store.path), "--to",
             str(self.path)], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        time.sleep(random.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def kill_restore(self, commit):
        """What it leaves is a store only if it had come to its end."""
        place = rig.TMP / "killed"
        process = subprocess.Popen(
            [rig.TARN, "restore", "--from", str(self.path), "--commit", commit,
             "--store", str(place)], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        time.sleep(random.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
        line = place / "format"
        if not line.exists():
            shutil.rmtree(place, ignore_errors=True)
            return
        if line.read_text().startswith("tarn store"):
            rig.tarn("fsck", "--store", place)
        else:
            said = rig.tarn("fsck", "--store", place, ok=(1,))
            assert "being restored" in said, said
        shutil.rmtree(place)

    def restore(self, commit, before, begun):
        self.kill_restore(commit)
        place = rig.TMP / "restored"
        rig.tarn("restore", "--from", self.path, "--commit", commit,
                 "--store", place)
        rig.tarn("fsck", "--store", place)
        mount = rig.Mount(place, "look")
        mount.start()
        try:
            found = 0
            for key, version in begun.items():
                path = mount.path / rig.BUCKET / key
                least = before.get(key, 0)
                if not path.exists():
                    assert not least, f"{key} is lost, of version {least}"
                    continue
                has = version_of(key, path.read_bytes())
                assert least <= has <= version, (
                    f"{key}: version {has}, not {least} to {version}")
                found += 1
        finally:
            mount.stop()
            mount.remove()
            mount.path.rmdir()
        shutil.rmtree(place)
        print(f"commit {commit}: {found} objects are whole", flush=True)


def run_all():
    store = rig.Store()
    server = rig.Server(store.path)
    server.start()
    client = rig.Client(store)
    client.expect("PUT", "")
    mount = rig.Mount(store.path, "mount") if rig.can_mount() else None
    if mount:
        mount.start()
    loaders = [Loader(client, mount, f"t{i}") for i in range(3)]
    for loader in loaders:
        loader.start()
    backups = Backups(store, loaders)
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end or len(backups.made) < 3:
            backups.make()
            backups.kill_one()
    finally:
        for loader in loaders:
            loader.is_over.set()
        for loader in loaders:
            loader.join()
        if mount:
            mount.stop()
        server.stop()
    for loader in loaders:
        assert not loader.error, loader.error
    for made in random.sample(backups.made, min(3, len(backups.made))):
        backups.restore(*made)
    assert not store_holds_anything(store), "a killed backup holds on"
    store.fsck()


def store_holds_anything(store):
    """Freed data that is never given back."""
    server = rig.Server(store.path)
    server.start()
    end = time.monotonic() + 60
    while not re.search(r" 0 to reclaim", rig.tarn("status", "--store",
                                                   store.path)):
        if time.monotonic() > end:
            return True
        time.sleep(0.1)
    server.stop()
    return False


def main():
    try:
        run_all()
        print("1 passed, 0 failed")
        return 0
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        print(f"not ok: {error}")
        print("0 passed, 1 failed")
        return 1


if __name__ == "__main__":
    sys.exit(main())
