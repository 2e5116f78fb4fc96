#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What people do in a directory, done in a mount: git, sqlite, rsync, tar, cp.

S3 must see what they leave.
"""

import hashlib
import mmap
import os
import sqlite3
import subprocess
import sys

from support.site import Site, can_mount, run
from support.suite import Counts, skip_all

BUCKET = "work"


def sums(top):
    """What is below a directory: names, kinds, modes and bytes."""
    found = {}
    for path in sorted(top.rglob("*")):
        info = path.lstat()
        what = (os.readlink(path) if path.is_symlink()
                else hashlib.md5(path.read_bytes()).hexdigest()
                if path.is_file() else None)
        found[str(path.relative_to(top))] = (info.st_mode, what)
    return found


def make_tree(top, files=150):
    for i in range(files):
        path = top / f"d{i % 7}" / f"e{i % 3}" / f"file-{i}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(1 + i * 37 % 9000))
        path.chmod(0o644 if i % 5 else 0o755)
    (top / "link").symlink_to("d0/e0/file-0")
    (top / "large").write_bytes(os.urandom(3 << 20))


def git(top, *words):
    return run("git", "-C", top, "-c", "user.name=n", "-c", "user.email=e@x",
               "-c", "init.defaultBranch=main", "-c", "safe.directory=*",
               *words)


def git_commits_collects_and_clones(site, top):
    repository = top / "repository"
    repository.mkdir()
    make_tree(repository)
    git(repository, "init", "-q")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "one")
    (repository / "large").write_bytes(b"smaller")
    git(repository, "mv", "d1", "moved")
    git(repository, "commit", "-q", "-a", "-m", "two")
    git(repository, "gc", "-q", "--prune=now")
    git(repository, "fsck", "--strict")
    assert git(repository, "status", "--porcelain") == ""
    git(top, "clone", "-q", "--no-local", repository, "clone")
    git(top / "clone", "fsck", "--strict")
    git(top / "clone", "checkout", "-q", "HEAD~1")
    assert (top / "clone/large").stat().st_size == 3 << 20


def sqlite_keeps_its_database(site, top, journal):
    path = top / f"{journal}.db"
    writer = sqlite3.connect(path, isolation_level=None)
    assert writer.execute(f"pragma journal_mode={journal}"
                          ).fetchone()[0] == journal
    writer.execute("create table t (i integer primary key, b blob)")
    reader = sqlite3.connect(path, isolation_level=None)
    for i in range(60):
        writer.execute("begin")
        writer.executemany("insert into t (b) values (?)",
                           [(os.urandom(300),) for _ in range(20)])
        writer.execute("rollback" if i % 10 == 9 else "commit")
        count = reader.execute("select count(*) from t").fetchone()[0]
        assert count == 20 * (i + 1 - (i + 1) // 10), f"{i}: {count}"
    writer.execute("delete from t where i % 3 = 0")
    writer.execute("vacuum")
    # Another process, which must find the locks.
    writer.execute("begin immediate")
    refused = subprocess.run(
        ["sqlite3", str(path), "begin immediate"], capture_output=True,
        text=True, check=False)
    assert "locked" in refused.stderr, refused
    writer.execute("commit")
    assert run("sqlite3", path, "pragma integrity_check").strip() == "ok"
    reader.close()
    writer.close()


def sqlite_with_a_rollback_journal(site, top):
    sqlite_keeps_its_database(site, top, "delete")


def sqlite_with_a_log_ahead(site, top):
    sqlite_keeps_its_database(site, top, "wal")


def rsync_makes_the_same_tree_there_and_back(site, top):
    source = site.work / "source"
    source.mkdir()
    make_tree(source)
    run("rsync", "-aX", f"{source}/", f"{top}/synced")
    assert sums(source) == sums(top / "synced")
    assert run("rsync", "-aXi", f"{source}/", f"{top}/synced") == ""
    (source / "d0/e0/file-0").write_bytes(b"changed")
    (source / "d2/e2/file-2").unlink()
    run("rsync", "-aX", "--delete", "--inplace", f"{source}/",
        f"{top}/synced")
    run("rsync", "-aX", f"{top}/synced/", f"{site.work}/back")
    assert sums(source) == sums(site.work / "back")


def tar_packs_and_unpacks(site, top):
    source = site.work / "tarred"
    source.mkdir()
    make_tree(source, 60)
    run("tar", "-C", source, "-cf", top / "all.tar", ".")
    (top / "untarred").mkdir()
    run("tar", "-C", top / "untarred", "-xpf", top / "all.tar")
    assert sums(source) == sums(top / "untarred")
    run("tar", "-C", top / "untarred", "-df", top / "all.tar")
    run("rm", "-rf", top / "untarred")
    assert not (top / "untarred").exists()


def cp_keeps_holes_and_dd_makes_them(site, top):
    source = top / "holes"
    run("dd", "if=/dev/urandom", f"of={source}", "bs=64k", "count=3",
        "seek=100", "conv=fsync")
    run("cp", "--sparse=always", source, top / "copied")
    run("cp", "--reflink=auto", source, top / "cloned")
    run("cmp", source, top / "copied")
    run("cmp", source, top / "cloned")
    for name in "holes", "copied":
        info = (top / name).stat()
        assert info.st_size == 103 << 16
        assert info.st_blocks * 512 < 1 << 20, f"{name}: {info.st_blocks}"
    run("dd", f"if={source}", f"of={top}/direct", "bs=64k", "iflag=direct",
        "oflag=direct")
    run("cmp", source, top / "direct")


def python_maps_a_file(site, top):
    path = top / "mapped"
    path.write_bytes(bytes(1 << 20))
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        data[5000:5005] = b"hello"
        data.flush()
        assert os.pread(file.fileno(), 5, 5000) == b"hello"
        os.pwrite(file.fileno(), b"HELLO", 900000)
        assert data[900000:900005] == b"HELLO"
    assert path.read_bytes()[5000:5005] == b"hello"


def s3_has_the_same_bytes(site, top):
    """Everything that is there by now, by another client."""
    target = site.work / "from-s3"
    target.mkdir()
    run("aws", "s3", "sync", "--only-show-errors", f"s3://{BUCKET}", target,
        "--endpoint-url", site.endpoint,
        env=site.environment(**site.keys()), timeout=120)
    for path in top.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        other = target / path.relative_to(top)
        assert other.read_bytes() == path.read_bytes(), str(path)


TESTS = [
    git_commits_collects_and_clones,
    sqlite_with_a_rollback_journal,
    sqlite_with_a_log_ahead,
    rsync_makes_the_same_tree_there_and_back,
    tar_packs_and_unpacks,
    cp_keeps_holes_and_dd_makes_them,
    python_maps_a_file,
    s3_has_the_same_bytes,
]


def main():
    if not can_mount():
        skip_all("tools", "no /dev/fuse here")
    counts = Counts()
    site = Site()
    top = site.mount / BUCKET
    top.mkdir()
    try:
        for test in TESTS:
            counts.run(test.__name__, test, site, top)
    finally:
        counts.run("processes end well", site.close)
    counts.finish()


sys.exit(main())
