#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""serve and two mounts on one store, under load, are killed at random moments
and started again; in the end all that was acknowledged is there, and whole.

What may be there of a name is the list of its states: the last acknowledged
one, and those begun since.  A state is None (nothing), a version (its whole
body), or Partly(version) (a beginning of it: files that were being written when
their mount was killed).
"""

import os
import random
import subprocess
import sys
import threading
import time

import rig

IS_LONG = bool(os.environ.get("TEST_LONG"))
SECONDS = 600 if IS_LONG else 50
KILLS = 600 if IS_LONG else 55
PAUSE = 1.4 if IS_LONG else 1.0
NAMES = 12
CHUNK = 700
MIB = 1 << 20


class Partly(int):
    """A version that may end early."""


def body_of(version):
    generator = random.Random(version)
    size = generator.choice([0, 10, 3000, 20000, 20000, 150000])
    return generator.randbytes(generator.randrange(size + 1))


def is_state(content, state):
    if state is None or content is None:
        return state is None and content is None
    body = body_of(int(state))
    if isinstance(state, Partly):
        return body.startswith(content)
    return content == body


class Wrong(Exception):
    """What must not be."""


class Loader(threading.Thread):
    """Works on names of its own until it is told to stop."""

    versions = iter(range(1, 1 << 40))
    stopping = threading.Event()
    wrong = []

    def __init__(self, name):
        super().__init__(name=name, daemon=True)
        self.random = random.Random(name)
        self.states = {f"{name}/n{i}": [None] for i in range(NAMES)}
        self.done = self.lost = 0

    def run(self):
        while not self.stopping.is_set():
            try:
                self.work()
                self.done += 1
            except (rig.Lost, OSError):
                self.lost += 1
                time.sleep(0.03)
            except Exception as error:  # pylint: disable=broad-except
                self.wrong.append(f"{self.name}: {error!r}")
                return

    def begin(self, key, *states):
        self.states[key] += states

    def end(self, key, state):
        self.states[key] = [state]

    def key(self):
        return self.random.choice(list(self.states))

    def certain(self):
        """A key of which it is known what is there, and what."""
        known = [(key, states[0]) for key, states in self.states.items()
                 if len(states) == 1 and states[0] is not None]
        return self.random.choice(known) if known else (None, None)

    def check(self, key, content):
        if not any(is_state(content, state) for state in self.states[key]):
            raise Wrong(f"{key} is none of {self.states[key]}: " + (
                "missing" if content is None else f"{len(content)} bytes"))


class S3Loader(Loader):
    def __init__(self, name, client):
        super().__init__(name)
        self.client = client

    def work(self):
        choice = self.random.randrange(12)
        key = self.key()
        if choice < 5:
            self.put(key)
        elif choice < 7:
            self.begin(key, None)
            self.client.delete(key)
            self.end(key, None)
        elif choice < 9:
            self.copy(key)
        elif choice < 10:
            self.upload(key)
        else:
            self.check(key, self.client.get(key))

    def put(self, key):
        version = next(self.versions)
        self.begin(key, version)
        self.client.put(key, body_of(version))
        self.end(key, version)

    def copy(self, key):
        source, version = self.certain()
        if source and source != key:
            self.begin(key, version)
            self.client.copy(source, key)
            self.end(key, version)

    def upload(self, key):
        version = next(self.versions)
        parts = [body_of(version)]
        # The one that has two parts is not kept among the rest.
        if self.random.randrange(8) == 0:
            large = random.Random(version).randbytes(5 * MIB)
            self.client.upload(f"{self.name}/large", [large, large[:1000]])
            return
        self.begin(key, version)
        self.client.upload(key, parts)
        self.end(key, version)


class MountLoader(Loader):
    """Files; and one log, that only ever grows."""

    def __init__(self, name, mount):
        super().__init__(name)
        self.top = mount.path / rig.BUCKET
        self.log_key = f"{name}/log"
        self.written = self.synced = 0

    def path(self, key):
        return self.top / key

    def work(self):
        choice = self.random.randrange(12)
        key = self.key()
        # Where the mount is away there is no bucket to make it in.
        (self.top / self.name).mkdir(exist_ok=True)
        if choice < 4:
            self.write(key)
        elif choice < 6:
            self.rename(key)
        elif choice < 7:
            self.unlink(key)
        elif choice < 10:
            self.append()
        else:
            self.read(key)

    def write(self, key):
        """As editors do: a file of another name, in place by rename."""
        version = next(self.versions)
        body = body_of(version)
        scratch = f"{self.name}/scratch"
        self.states.setdefault(scratch, [None])
        # O_TRUNC: where it was left behind by a rename that was lost.
        self.begin(scratch, Partly(version))
        with open(self.path(scratch), "wb", buffering=0) as file:
            half = len(body) // 2
            write_all(file, body[:half])
            write_all(file, body[half:])
            os.fsync(file.fileno())
            self.end(scratch, version)
        self.begin(scratch, None)
        self.begin(key, version)
        os.rename(self.path(scratch), self.path(key))
        self.end(scratch, None)
        self.end(key, version)

    def rename(self, key):
        source, version = self.certain()
        if source and source != key and "scratch" not in source:
            self.begin(source, None)
            self.begin(key, version)
            os.rename(self.path(source), self.path(key))
            self.end(source, None)
            self.end(key, version)

    def unlink(self, key):
        source, _ = self.certain()
        if source == key:
            self.begin(key, None)
            os.unlink(self.path(key))
            self.end(key, None)

    def append(self):
        if self.written > 2 * MIB:
            return
        with open(self.path(self.log_key), "ab", buffering=0) as file:
            # What an attempt that failed may have left is part of it.
            size = os.fstat(file.fileno()).st_size
            if not self.synced <= size <= self.written:
                raise Wrong(f"{self.log_key}: {size} bytes, of which "
                            f"{self.synced} synced, {self.written} written")
            chunk = log_bytes(self.name, size, CHUNK)
            self.written = max(self.written, size + CHUNK)
            write_all(file, chunk)
            os.fsync(file.fileno())
            self.synced = size + CHUNK

    def read(self, key):
        # Nothing there: or the mount is away, and this what lies below.
        source, _ = self.certain()
        if source:
            try:
                self.check(source, self.path(source).read_bytes())
            except FileNotFoundError as error:
                self.expect_absent(source, error)

    def expect_absent(self, key, error):
        """A file is missing: no harm where the mount was away."""
        if (self.top / self.name).is_dir() and not self.path(key).exists():
            if (self.top / self.name).is_dir():
                raise Wrong(f"{key}: {error}")


def log_bytes(name, offset, length):
    """A stream of bytes that tell where they are."""
    block = offset // 64
    text = b"".join(
        f"{name} {number:12d}".ljust(63).encode() + b"\n"
        for number in range(block, block + length // 64 + 2))
    return text[offset % 64:offset % 64 + length]


def write_all(file, body):
    while body:
        body = body[file.write(body):]


def storm(processes):
    """Kills until there have been enough; how many."""
    generator = random.Random()
    began = time.monotonic()
    kills = 0
    while (kills < KILLS or time.monotonic() < began + SECONDS) and (
            not Loader.wrong):
        time.sleep(generator.uniform(0, PAUSE))
        count = generator.choice([1, 1, 1, 1, 2, 3])
        victims = generator.sample(processes, count)
        for victim in victims:
            victim.kill()
            kills += 1
        for victim in victims:
            victim.start()
        if kills >= KILLS and time.monotonic() > began + 3 * SECONDS:
            break
    for process in processes:
        process.expect_alive()
    return kills


def check_log(loader, content):
    if not loader.synced <= len(content) <= loader.written or (
            content != log_bytes(loader.name, 0, len(content))):
        raise Wrong(f"{loader.log_key}: {len(content)} bytes, of which "
                    f"{loader.synced} were synced, or they are not right")


def check_all(loaders, get):
    for loader in loaders:
        for key in loader.states:
            loader.check(key, get(key))
        if isinstance(loader, MountLoader) and loader.synced:
            check_log(loader, get(loader.log_key))


def read_file(mount):
    def get(key):
        try:
            return (mount.path / rig.BUCKET / key).read_bytes()
        except FileNotFoundError:
            return None
    return get


def check_keys(loaders, client):
    known = {key for loader in loaders for key in loader.states}
    for key in client.keys():
        last = key.split("/")[-1]
        if key not in known and last not in ("", "log", "large"):
            raise Wrong(f"an unknown object: {key}")


def expect_no_leak(store, client):
    """With all deleted no data is left."""
    client.abort_uploads()
    for key in reversed(client.keys()):
        client.delete(key)
    if client.keys():
        raise Wrong(f"not deleted: {client.keys()}")
    for _ in range(1800):
        if not store.data_files():
            return
        time.sleep(0.1)
    raise Wrong(f"data that nothing names: {store.data_files()}")


class Storm:
    """The tests, each on what the one before has left."""

    def __init__(self):
        self.store = rig.Store()
        self.server = rig.Server(self.store.path)
        self.mounts = [rig.Mount(self.store.path, f"m{i}") for i in (1, 2)]
        self.processes = [self.server, *self.mounts]
        self.client = rig.Client(self.store)
        self.loaders = [S3Loader(f"s{i}", self.client) for i in range(4)]
        for i in range(4):
            self.loaders.append(MountLoader(f"f{i}", self.mounts[i % 2]))

    def start(self):
        for process in self.processes:
            process.start()
        self.client.reset()

    def stop(self):
        for process in self.processes:
            process.stop()

    def await_loads(self):
        """Of each a part, however slow all is."""
        end = time.monotonic() + 120
        while not Loader.wrong and time.monotonic() < end and (
                min(loader.done for loader in self.loaders) <= 20):
            time.sleep(0.1)

    def goes_on_under_kills(self):
        self.start()
        self.client.expect("PUT", "")
        for loader in self.loaders:
            loader.start()
        kills = storm(self.processes)
        self.await_loads()
        Loader.stopping.set()
        for loader in self.loaders:
            loader.join(180)
            print(f"{loader.name}: {loader.done} done, {loader.lost} lost")
        assert not Loader.wrong, Loader.wrong
        assert all(loader.done > 20 for loader in self.loaders)
        print(f"{kills} kills")
        self.client.reset()
        assert kills >= KILLS

    def shows_all_that_was_acknowledged(self):
        check_all(self.loaders, self.client.get)
        for mount in self.mounts:
            check_all(self.loaders, read_file(mount))
        check_keys(self.loaders, self.client)

    def is_clean_with_nobody_there(self):
        for process in self.processes:
            process.kill()
        print(self.store.fsck())

    def shows_the_same_after_a_restart(self):
        self.start()
        self.shows_all_that_was_acknowledged()

    def leaks_no_space(self):
        expect_no_leak(self.store, self.client)
        self.stop()
        print(self.store.fsck())

    def clean_up(self):
        Loader.stopping.set()
        for process in self.processes:
            process.end()


TESTS = ["goes_on_under_kills", "shows_all_that_was_acknowledged",
         "is_clean_with_nobody_there", "shows_the_same_after_a_restart",
         "leaks_no_space"]


def main():
    if not rig.can_mount():
        print("skipped: kill_storm: no /dev/fuse here")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    passed = 0
    run = Storm()
    try:
        for name in TESTS:
            getattr(run, name)()
            print(f"ok - {name}", flush=True)
            passed += 1
    except (AssertionError, OSError, Wrong, rig.Lost,
            subprocess.SubprocessError) as error:
        print(f"not ok - {TESTS[passed]}: {error!r}")
    finally:
        run.clean_up()
    print(f"{passed} passed, {len(TESTS) - passed} failed")
    return passed < len(TESTS)


sys.exit(main())
