#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""serve and two mounts on one store, none of them killed: what is done through
one is what the others show.

What S3 has answered, both mounts show at once, though they had looked before.
What a system call has done, S3 shows at once, and the other mount in an
instant: system calls do not wait for other mounts (docs/locking.md), so that
is given SOON seconds.  So is an empty file to S3: a shell's "cmd >file" closes
it once before cmd writes, and the last close is told after it has returned.
"""

import os
import random
import shutil
import subprocess
import sys
import threading
import time

import rig

SECONDS = 240 if os.environ.get("TEST_LONG") else 20
WORKERS = 3
SOON = 60.0


class Wrong(Exception):
    """What must not be."""


class S3View:
    name = "S3"
    is_instant = True

    def __init__(self, client):
        self.client = client

    def read(self, key):
        return self.client.get(key)

    def write(self, key, body):
        self.client.put(key, body)

    def remove(self, key):
        self.client.delete(key)

    def names(self, directory):
        """Below the directory, at any depth, by S3's names."""
        return sorted(
            key[len(directory):] for key in self.client.keys()
            if key.startswith(directory) and key != directory)


class MountView:
    is_instant = False

    def __init__(self, mount):
        self.name = mount.path.name
        self.top = mount.path / rig.BUCKET

    def read(self, key):
        path = self.top / key
        try:
            size = path.stat().st_size
            body = path.read_bytes()
        except FileNotFoundError:
            return None
        # What stat says counts as much as what there is.
        return body[:size].ljust(size, b"?")

    def write(self, key, body):
        """A new file, or one truncated and written again."""
        path = self.top / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def append(self, key, body):
        with open(self.top / key, "ab") as file:
            file.write(body)

    def remove(self, key):
        (self.top / key).unlink()

    def rename(self, key, new_key):
        os.rename(self.top / key, self.top / new_key)

    def names(self, directory):
        top = self.top / directory
        return sorted(
            str(path.relative_to(top)) + ("/" if path.is_dir() else "")
            for path in top.rglob("*"))


class Worker(threading.Thread):
    """Works in a directory of its own, and looks from everywhere."""

    wrong = []
    lag = 0.0

    def __init__(self, name, s3, mounts, until):
        super().__init__(name=name, daemon=True)
        self.random = random.Random()
        self.s3, self.mounts, self.until = s3, mounts, until
        self.views = [s3, *mounts]
        self.objects = {}
        self.next_key = 0
        self.steps = 0

    def goes_on(self):
        """However slow all is, it does something."""
        return time.monotonic() < self.until or self.steps <= 10

    def run(self):
        try:
            # A directory that stays whatever is removed from it.
            (self.mounts[0].top / self.name).mkdir()
            while self.goes_on() and not self.wrong:
                self.random.choice([
                    self.create, self.create, self.overwrite, self.append,
                    self.rename, self.remove, self.rename_directory,
                    self.make_directory, self.list])()
                self.steps += 1
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(f"{self.name}: {error!r}")

    def new_key(self):
        self.next_key += 1
        place = self.random.choice(["", "sub/", "sub/deep/"])
        return f"{self.name}/{place}o{self.next_key}"

    def body(self):
        return self.random.randbytes(
            self.random.choice([0, 1, 100, 5000, 70000]))

    def any_key(self):
        return self.random.choice(list(self.objects)) if self.objects else None

    def expect(self, writer, key, body):
        """All show the object so: None, not at all."""
        for view in self.views:
            found = view.read(key)
            began = time.monotonic()
            is_instant = writer.is_instant or view.is_instant and body != b""
            while found != body and not is_instant and (
                    time.monotonic() < began + SOON):
                time.sleep(0.001)
                found = view.read(key)
                Worker.lag = max(Worker.lag, time.monotonic() - began)
            if found != body:
                raise Wrong(f"{key}, written through {writer.name}, seen "
                            f"through {view.name}: {describe(found)}, not "
                            f"{describe(body)}")

    def write(self, writer, key):
        body = self.body()
        writer.write(key, body)
        self.objects[key] = body
        self.expect(writer, key, body)

    def create(self):
        key = self.new_key()
        for view in self.views:
            if view.read(key) is not None:
                raise Wrong(f"{key} is there in {view.name}")
        self.write(self.random.choice(self.views), key)

    def overwrite(self):
        if key := self.any_key():
            self.write(self.random.choice(self.views), key)

    def append(self):
        if key := self.any_key():
            mount = self.random.choice(self.mounts)
            more = self.body()
            mount.append(key, more)
            self.objects[key] += more
            self.expect(mount, key, self.objects[key])

    def rename(self):
        if key := self.any_key():
            mount = self.random.choice(self.mounts)
            new_key = f"{self.name}/{self.random.choice(['a', 'b', 'c'])}"
            mount.rename(key, new_key)
            self.objects[new_key] = self.objects.pop(key)
            if new_key != key:
                self.expect(mount, key, None)
            self.expect(mount, new_key, self.objects[new_key])

    def remove(self):
        if key := self.any_key():
            view = self.random.choice(self.views)
            view.remove(key)
            del self.objects[key]
            self.expect(view, key, None)

    def rename_directory(self):
        keys = [key for key in self.objects
                if key.startswith(f"{self.name}/sub/")]
        if not keys:
            return
        mount = self.random.choice(self.mounts)
        moved = f"{self.name}/moved"
        mount.rename(f"{self.name}/sub", moved)
        for key in keys:
            new_key = key.replace("/sub/", "/moved/", 1)
            self.expect(mount, key, None)
            self.expect(mount, new_key, self.objects[key])
            self.random.choice(self.views).remove(new_key)
            del self.objects[key]
        self.soon(lambda: shutil.rmtree(mount.top / moved,
                                        ignore_errors=True),
                  lambda: not (mount.top / moved).exists())

    def make_directory(self):
        """S3 lists what mkdir made; rmdir takes it away."""
        mount, other = self.random.sample(self.mounts, 2)
        path = f"{self.name}/made"
        (mount.top / path).mkdir()
        if f"{path}/" not in self.s3.client.keys():
            raise Wrong(f"S3 does not list {path}/")
        self.soon(None, (other.top / path).is_dir)
        (mount.top / path).rmdir()
        if f"{path}/" in self.s3.client.keys():
            raise Wrong(f"S3 still lists {path}/")
        self.soon(None, lambda: not (other.top / path).exists())

    def soon(self, action, condition):
        if action:
            action()
        end = time.monotonic() + SOON
        while not condition():
            if time.monotonic() > end:
                raise Wrong(f"{self.name}: not in {SOON} s: {condition}")
            time.sleep(0.001)

    def list(self):
        directory = f"{self.name}/"
        wanted = sorted(key[len(directory):] for key in self.objects)
        for view in self.views:
            self.soon(None, lambda view=view: [
                name for name in view.names(directory)
                if not name.endswith("/")] == wanted)


def describe(body):
    return "nothing" if body is None else f"{len(body)} bytes"


def run_together(server, mounts, client):
    until = time.monotonic() + SECONDS
    client.expect("PUT", "")
    views = [MountView(mount) for mount in mounts]
    workers = [Worker(f"w{i}", S3View(client), views, until)
               for i in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(SECONDS + 600)
        print(f"{worker.name}: {worker.steps} steps")
    print(f"longest lag: {Worker.lag * 1000:.1f} ms")
    assert not Worker.wrong, Worker.wrong
    assert not any(worker.is_alive() for worker in workers)
    for process in (server, *mounts):
        process.stop()


def main():
    if not rig.can_mount():
        print("skipped: together: no /dev/fuse here")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    store = rig.Store()
    server = rig.Server(store.path)
    mounts = [rig.Mount(store.path, f"m{i}") for i in (1, 2)]
    try:
        for process in (server, *mounts):
            process.start()
        run_together(server, mounts, rig.Client(store))
        print(store.fsck())
        failed = 0
    except (AssertionError, OSError, rig.Lost,
            subprocess.SubprocessError) as error:
        print(f"not ok: {error!r}")
        failed = 1
    finally:
        for process in (server, *mounts):
            process.end()
    print(f"{1 - failed} passed, {failed} failed")
    return failed


sys.exit(main())
