# SPDX-License-Identifier: Apache-2.0
"""Whole trees: what people do with sources."""

import contextlib
import os
import shutil
import subprocess
import time

from bench_site import Process, median

NOTE = ("a tree of files of 1 to 16 KiB, sixteen in a directory, under git: "
        "files a second. s3fs mounts a bucket of our own server, with a "
        "tenth of the files.")

VERBS = ("untar", "git status", "rm -rf")


def make_tree(folder, count):
    """A repository with everything committed, and an archive of it."""
    tree = folder / "tree"
    for i in range(count):
        path = tree / f"d{i // 256}" / f"d{i // 16}" / f"f{i}.c"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d\n" % i * (i * 37 % 3200 + 200))
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm",
        "all")
    git(tree, "gc", "-q")
    archive = folder / "tree.tar"
    subprocess.run(["tar", "-cf", archive, "-C", folder, "tree"], check=True)
    shutil.rmtree(tree)
    return archive


def git(tree, *words):
    return subprocess.run(
        ["git", "-c", "safe.directory=*", "-c", "gc.auto=0", "-C", tree,
         *words], check=True, text=True, stdout=subprocess.PIPE).stdout


def seconds_of(*words, **more):
    start = time.monotonic()
    subprocess.run([str(word) for word in words], check=True, **more)
    return time.monotonic() - start


def run_tree(folder, archive, count):
    tree = folder / "tree"
    took = {"untar": seconds_of("tar", "-xf", archive, "-C", folder)}
    start = time.monotonic()
    if git(tree, "status", "--porcelain"):
        raise SystemExit("bench: git finds a difference")
    took["git status"] = time.monotonic() - start
    took["rm -rf"] = seconds_of("rm", "-rf", tree)
    return {verb: count / took[verb] for verb in VERBS}


@contextlib.contextmanager
def s3fs(site, place):
    """A bucket of our server, mounted by s3fs."""
    point = site.dir / "s3fs"
    point.mkdir()
    secret = site.dir / "s3fs.passwd"
    secret.touch(0o600)
    secret.write_text(":".join(site.keys.values()))
    with site.serve(cpus=site.all_cpus, store=place.store) as server:
        site.load(server, "/s3fs", "--method", "PUT", "--requests", 1)
        with Process("s3fs", "s3fs", point, "-f", "-o",
                     f"url=http://127.0.0.1:{server.port}", "-o",
                     "use_path_request_style", "-o",
                     f"passwd_file={secret}",
                     is_ready=lambda: os.path.ismount(point)):
            yield point
    point.rmdir()


def trees(report, place):
    site = place.site
    count = 300 if site.is_quick else 10000
    rows = [f"{verb} of {count:,} files" for verb in VERBS]
    if not any(report.wants(row) for row in rows):
        return
    archive = make_tree(site.dir, count)
    results = {}
    with place.mount():
        for turn in range(1 if site.is_quick else 3):
            for folder in place.sides(turn):
                results.setdefault(folder, []).append(
                    run_tree(folder, archive, count))
    ours, theirs = (median(results[side]) for side in place.sides(0))
    for verb, row in zip(VERBS, rows):
        report.row(row, "/s", ours[verb], "bare", theirs[verb])
    if place.store != site.store or not shutil.which("s3fs"):
        return
    fewer = count // 10
    archive = make_tree(site.dir, fewer)
    with s3fs(site, place) as folder:
        slow = run_tree(folder, archive, fewer)
    for verb, row in zip(VERBS, rows):
        report.row(row, "/s", ours[verb], "s3fs", slow[verb])


def rename_dir(report, place):
    """One commit, however many are below it."""
    site = place.site
    count = 5000 if site.is_quick else 1000000
    row = f"rename of a directory of {count:,} files"
    if not report.wants(row) or place.store != site.store:
        return
    with site.serve(cpus=site.all_cpus, store=place.store) as server:
        site.load(server, "/big", "--method", "PUT", "--requests", 1)
        site.load(server, "/big/dir/key", "--method", "PUT", "--keys", count,
                  "--requests", count, "--connections", 64, seconds=600,
                  cpus=site.all_cpus)
    with place.mount():
        top = place.point / "big"
        (top / "few").mkdir()
        results = {"dir": [], "few": []}
        for turn in range(21):
            for name in results:
                pair = [top / name, top / f"{name}-moved"]
                if turn % 2:
                    pair.reverse()
                results[name].append(site.files("move", *pair))
    report.row(row, "/s", median(results["dir"])["move"], "an empty one",
               median(results["few"])["move"])


def run(report, place):
    report.group(f"Mount{place.title}: trees", NOTE)
    trees(report, place)
    rename_dir(report, place)
