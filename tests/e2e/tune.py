#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/tune, with a build that takes no time: what is built is there already,
and its load is as many requests as are asked for in passing."""

import os
import pathlib
import shutil
import subprocess

from support.suite import Counts

ROOT = pathlib.Path(__file__).resolve().parents[2]
TMP = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build/debug"))
TARN = pathlib.Path(os.environ.get("TARN", BUILD / "tarn"))
TREE, CALLS = TMP / "tree", TMP / "calls"

BUILD_STUB = f"""#!/bin/bash
echo "build $*" >>{CALLS}
mkdir -p "$2/tools/load"
touch "$2/build.ninja"
ln -sf {TARN} "$2/tarn"
ln -sf {TREE}/load "$2/tools/load/load"
"""
MESON_STUB = f"""#!/bin/bash
echo "meson $*" >>{CALLS}
"""
LOAD_STUB = f"""#!/bin/bash
echo "load $*" >>{CALLS}
[ ! -e {TMP}/load-fails ] || exit 1
# More than there are keys to get: each must have been put.  It ends without
# freeing anything.
ASAN_OPTIONS=detect_leaks=0 exec {BUILD}/tools/load/load $(sed "s/--seconds [0-9]*/--requests 60/" <<<"$*")
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def make_tree():
    """The tool in a tree of its own, with what it calls."""
    shutil.rmtree(TREE, ignore_errors=True)
    for name in ("tune", "env.sh"):
        write(TREE / "tools" / name, (ROOT / "tools" / name).read_text())
    write(TREE / "tools/build", BUILD_STUB)
    write(TREE / "build/deps/bin/meson", MESON_STUB)
    write(TREE / "load", LOAD_STUB)
    CALLS.unlink(missing_ok=True)


def tune(*words):
    return subprocess.run([TREE / "tools/tune", *words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=300, check=False)


def calls(program):
    return [line for line in CALLS.read_text().splitlines()
            if line.startswith(program + " ")]


def assert_nothing_is_left(build):
    left = sorted(path.name for path in build.iterdir())
    assert left == ["build.ninja", "tarn", "tools"], left


def builds_to_count_and_with_the_counts():
    make_tree()
    build = TREE / "build/tuned"

    result = tune()

    assert result.returncode == 0, result.stdout
    assert calls("build") == [f"build counted {build} tarn tools/load/load",
                              f"build counted {build}"], CALLS.read_text()
    assert calls("meson") == [f"meson configure {build} -Db_pgo=use"]
    lines = CALLS.read_text().splitlines()
    assert lines[0].startswith("build") and lines[-2].startswith("meson")
    assert_nothing_is_left(build)


def its_loads_put_get_list_and_delete():
    loads = "\n".join(calls("load"))

    for what in ("--method PUT --size 4096", "--method PUT --size 1048576",
                 "--sse-c", "--method HEAD", "--method DELETE",
                 "--query list-type=2", "--connections 32"):
        assert what in loads, f"{what}: {loads}"


def makes_its_directory_anew():
    make_tree()
    build = TMP / "elsewhere"
    write(build / "build.ninja", "")
    write(build / "old", "")

    result = tune(build)

    assert result.returncode == 0, result.stdout
    assert_nothing_is_left(build)


def ends_its_server_where_a_load_fails():
    make_tree()
    (TMP / "load-fails").touch()

    result = tune()

    (TMP / "load-fails").unlink()
    assert result.returncode == 1, result.stdout
    assert len(calls("load")) == 1 and not calls("meson")
    # What it leaves running is a failure of the suite.


def removes_nothing_that_is_no_build():
    make_tree()
    write(TREE / "precious/file", "bytes")

    result = tune(TREE / "precious")

    assert result.returncode == 1 and "is no build" in result.stdout
    assert (TREE / "precious/file").read_text() == "bytes"
    assert not CALLS.exists()


def tells_its_usage():
    for words in (["one", "two"], ["--option"]):
        result = tune(*words)

        assert result.returncode == 2 and "usage: tools/tune" in result.stdout


def main():
    counts = Counts()
    for test in (builds_to_count_and_with_the_counts,
                 its_loads_put_get_list_and_delete, makes_its_directory_anew,
                 ends_its_server_where_a_load_fails,
                 removes_nothing_that_is_no_build, tells_its_usage):
        counts.run(test.__name__, test)
    counts.finish()


main()
