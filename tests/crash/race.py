#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""S3 and two mounts race on the same names: each is written by one thread,
through one of them after the other, and read by all at the same time.

Every write has a number, which its bytes tell.  A read must give a write that
is not older than the last one acknowledged to that view when the read began,
and not newer than the last one begun when it ended; and whole.  S3's answers
count for all views, a system call for S3 and for its own mount
(docs/locking.md: system calls wait for no other mount).
"""

import errno
import os
import random
import sys
import threading
import time

import rig

SECONDS = 60 if os.environ.get("TEST_LONG") else 12
KEYS = 4
S3, M1, M2 = range(3)
VIEWS = {S3: "S3", M1: "the first mount", M2: "the second mount"}


class Register:
    """One name: what was written to it, by number."""

    def __init__(self, key):
        self.key = key
        self.begun = 0
        self.acknowledged = [0, 0, 0]
        self.absent = {0}  # numbers of removals


def body_of(number):
    """Told apart from any other, and from a part of itself."""
    line = f"{number:08d}".encode()
    return line * (1 + number * 7919 % 3000)


def number_of(register, body, low, high):
    """The number of the write that this is; None: of none."""
    if body is None:
        return next((n for n in range(high, low - 1, -1)
                     if n in register.absent), None)
    number = int(body[:8] or b"0")
    return number if body == body_of(number) else None


class Race:
    def __init__(self, client, mounts, until):
        self.client, self.until = client, until
        self.tops = [mount.path / rig.BUCKET for mount in mounts]
        self.wrong = []
        self.reads = self.writes = self.stale = 0

    def goes_on(self):
        return time.monotonic() < self.until and not self.wrong

    def guarded(self, work, *args):
        try:
            while self.goes_on():
                work(*args)
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(repr(error))

    def read(self, view, key):
        if view == S3:
            return self.client.get(key)
        try:
            with self.open_file(view - 1, key, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def open_file(self, mount, key, mode):
        """The kernel looks a name up once more where what it knew is gone; where
        that, too, is gone by then, it gives up (docs/posix.md)."""
        while True:
            try:
                return open(self.tops[mount] / key, mode, buffering=0)
            except OSError as error:
                if error.errno != errno.ESTALE:
                    raise
                self.stale += 1

    def check(self, register, view):
        low = register.acknowledged[view]
        body = self.read(view, register.key)
        high = register.begun
        number = number_of(register, body, low, high)
        self.reads += 1
        if number is None or not low <= number <= high:
            begin = None if body is None else (len(body), body[:8])
            self.wrong.append(
                f"{register.key} through {VIEWS[view]}: {begin}, number "
                f"{number}, between {low} and {high}")

    def write(self, register, generator):
        """Whole: by S3, or a new file that is renamed."""
        view = generator.randrange(3)
        is_removal = generator.random() < 0.2
        number = register.begun + 1
        if is_removal:
            register.absent.add(number)
        register.begun = number
        if view == S3:
            if is_removal:
                self.client.delete(register.key)
            else:
                self.client.put(register.key, body_of(number))
            register.acknowledged = [number] * 3
        else:
            path = self.tops[view - 1] / register.key
            if is_removal:
                path.unlink(missing_ok=True)
            else:
                new = path.with_name(path.name + ".new")
                new.write_bytes(body_of(number))
                new.rename(path)
            register.acknowledged[S3] = number
            register.acknowledged[view] = number
            # The other mount may still have what was there before: its next
            # writer must not take that for news.
            # It must come, though the race may be over before.
            patience = time.monotonic() + 120
            while self.read(3 - view, register.key) != (
                    None if is_removal else body_of(number)):
                assert time.monotonic() < patience and not self.wrong, (
                    "the other mount does not follow")
            register.acknowledged[3 - view] = number
        self.writes += 1

    def rewrite(self, register, generator):
        """Truncated and written again, in pieces: S3 must see it whole."""
        number = register.begun + 1
        register.begun = number
        body = body_of(number)
        cut = generator.randrange(len(body) + 1)
        with self.open_file(generator.randrange(2), register.key,
                            "wb") as file:
            for piece in body[:cut], body[cut:]:
                if piece:
                    file.write(piece)
        register.acknowledged[S3] = number
        self.writes += 1

    def run(self):
        threads = []

        def start(work, *args):
            threads.append(threading.Thread(
                target=self.guarded, args=(work, *args), daemon=True))

        for i in range(KEYS):
            register = Register(f"shared/{i}")
            start(self.write, register, random.Random())
            for view in VIEWS:
                start(self.check, register, view)
        rewritten = Register("rewritten")
        self.client.put(rewritten.key, body_of(0))
        rewritten.absent = set()
        start(self.rewrite, rewritten, random.Random())
        start(self.check, rewritten, S3)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for line in self.wrong[:10]:
            print(f"not ok: {line}")
        print(f"{self.writes} writes, {self.reads} reads, {self.stale} names "
              "replaced twice while they were opened")
        return not self.wrong


def main():
    if not rig.can_mount():
        print("skipped: race: no /dev/fuse here")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    store = rig.Store()
    server = rig.Server(store.path)
    mounts = [rig.Mount(store.path, f"m{i}") for i in (1, 2)]
    with rig.running(server, *mounts):
        client = rig.Client(store)
        client.expect("PUT", "")
        (mounts[0].path / rig.BUCKET / "shared").mkdir()
        is_good = Race(client, mounts, time.monotonic() + SECONDS).run()
    print(store.fsck())
    print(f"{int(is_good)} passed, {int(not is_good)} failed")
    return int(not is_good)


sys.exit(main())
