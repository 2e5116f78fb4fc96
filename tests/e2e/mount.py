#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tarn mount as people start it: by its own command, by mount(8), from a line
of fstab(5), by another user than root; and what it does when the disk is full
or its process hangs."""

import errno
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import time

from support.disk import image, why_no_image
from support.site import TARN, Site, can_mount, run
from support.suite import Counts, skip_all

TMP = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / "mount"
STORE = TMP / "store"
POINT = TMP / "point"
TIMEOUT = 120
NOBODY = 65534


def tarn(*words, **options):
    return run(TARN, *words, "--store", STORE, **options)


def mount(*options, store=STORE):
    """Mounts in the background; what it has said."""
    with open(TMP / "mount.log", "wb") as log:
        done = subprocess.run(
            [TARN, "mount", POINT, "--store", store, "--background",
             *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=log, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, (TMP / "mount.log").read_text()
    return done.stdout.decode()


def unmount(command="umount", store=STORE):
    subprocess.run([command, *(["-u"] if command != "umount" else []),
                    str(POINT)], check=True)
    assert not os.path.ismount(POINT)
    unmount_is_over(store)


def unmount_is_over(store=STORE):
    """The process ends by itself: the store can be had alone again."""
    deadline = time.monotonic() + TIMEOUT
    while subprocess.run([TARN, "fsck", "--store", store, "--repair"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         check=False).returncode:
        assert time.monotonic() < deadline, "the process goes on"
        time.sleep(0.05)


def refused(*words, status, env=None):
    done = subprocess.run([str(word) for word in words], env=env,
                          capture_output=True, text=True, timeout=TIMEOUT,
                          check=False)
    assert done.returncode == status, f"{words}: {done}"
    assert done.stderr, f"{words}: silent"
    return done.stderr


def prepare():
    """A store with two buckets, and a directory in one."""
    tarn("init")
    mount()
    (POINT / "photos/2024/may").mkdir(parents=True)
    (POINT / "photos/2024/may/one").write_text("first")
    (POINT / "photos/top").write_text("top")
    (POINT / "other").mkdir()
    unmount()


def a_mount_is_unmounted_by_umount_and_by_fusermount3():
    assert "mounted at" in mount()
    unmount("umount")
    mount()
    unmount("fusermount3")


def one_that_another_covers_ends_too():
    with open(TMP / "mount.log", "wb") as log:
        covered = subprocess.Popen(
            [TARN, "mount", POINT, "--store", STORE],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    while not os.path.ismount(POINT):
        assert covered.poll() is None, (TMP / "mount.log").read_text()
    run("mount", "-t", "tmpfs", "none", POINT)
    covered.terminate()
    assert covered.wait(TIMEOUT) == 0
    while os.path.ismount(POINT):
        run("umount", POINT)


def one_bucket_is_the_top():
    mount("--bucket", "photos")
    assert sorted(os.listdir(POINT)) == ["2024", "top"]
    assert (POINT / "2024/may/one").read_text() == "first"
    (POINT / "new").write_text("a file, right at the top")
    (POINT / "dir").mkdir()
    (POINT / "new").rename(POINT / "dir/new")
    assert POINT.stat().st_nlink == 4
    os.setxattr(POINT, "user.a", b"x")
    assert os.getxattr(POINT, "user.a") == b"x"
    POINT.chmod(0o751)
    assert POINT.stat().st_mode & 0o777 == 0o751
    shutil.rmtree(POINT / "dir")
    unmount()


def a_directory_in_a_bucket_is_the_top():
    mount("--bucket", "photos/2024/")
    assert os.listdir(POINT) == ["may"]
    (POINT / "june").mkdir()
    (POINT / "june/two").write_text("second")
    unmount()
    mount()
    assert (POINT / "photos/2024/june/two").read_text() == "second"
    shutil.rmtree(POINT / "photos/2024/june")
    unmount()


def what_s3_does_below_that_top_is_seen_at_once():
    site = Site()
    try:
        keys = site.environment(**site.keys())

        def aws(*words):
            run("aws", "--endpoint-url", site.endpoint, *words, env=keys)

        point = site.dir / "second"
        point.mkdir()
        aws("s3", "mb", "s3://bucket")
        site.start("mount", point, "--bucket", "bucket")
        file = site.file("file", 1000)
        for name in "at-top", "dir/below":
            assert not (point / name).exists()
            aws("s3", "cp", "--only-show-errors", file, f"s3://bucket/{name}")
            assert (point / name).read_bytes() == file.read_bytes()
        assert sorted(os.listdir(point)) == ["at-top", "dir"]
        aws("s3", "rm", "--only-show-errors", "s3://bucket/at-top")
        assert not (point / "at-top").exists()
        assert os.listdir(point) == ["dir"]
    finally:
        site.close()


def a_top_that_is_not_there_is_refused():
    for name in "nothing", "photos/2023", "photos/top":
        said = refused(TARN, "mount", POINT, "--store", STORE, "--background",
                       "--bucket", name, status=1)
        assert name in said, said
    assert not os.path.ismount(POINT)


def kernel_flags_are_heeded():
    mount("--flags", "noexec,noatime")
    script = POINT / "other/script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    try:
        subprocess.run([str(script)], check=False)
    except PermissionError:
        pass
    else:
        raise AssertionError("executed in spite of noexec")
    script.unlink()
    unmount()
    refused(TARN, "mount", POINT, "--store", STORE, "--flags",
            "noexec,allow_root", status=2)


OVERLAY = TMP / "overlay"


def has_overlayfs():
    subprocess.run(["sh", "-c", "modprobe overlay"],
                   stderr=subprocess.DEVNULL, check=False)
    return "\toverlay\n" in pathlib.Path("/proc/filesystems").read_text()


def overlaid(layer, *options):
    """Mounts overlayfs with that directory of the mount as its upper layer."""
    lower = TMP / "lower"
    shutil.rmtree(lower, ignore_errors=True)
    (lower / "sub").mkdir(parents=True)
    (lower / "one").write_text("one")
    (lower / "sub/two").write_text("two")
    for name in ("upper", "work"):
        (layer / name).mkdir(parents=True)
    OVERLAY.mkdir(exist_ok=True)
    words = ",".join((f"lowerdir={lower}", f"upperdir={layer}/upper",
                      f"workdir={layer}/work", *options))
    subprocess.run(["mount", "-t", "overlay", "overlay", OVERLAY, "-o", words],
                   check=True, timeout=TIMEOUT)


def overlayfs_writes_to_a_mount(*options):
    layer = POINT / "photos" / "-".join(("layer", *options))
    mount()
    overlaid(layer, *options)
    try:
        (OVERLAY / "one").rename(OVERLAY / "moved")
        (OVERLAY / "sub/two").unlink()
        (OVERLAY / "new").write_text("new")
        shutil.rmtree(OVERLAY / "sub")
        (OVERLAY / "sub").mkdir()
        assert (OVERLAY / "moved").read_text() == "one"
        assert sorted(os.listdir(OVERLAY)) == ["moved", "new", "sub"]
        assert not os.listdir(OVERLAY / "sub")
    finally:
        quiet("umount", OVERLAY)
    left = os.lstat(layer / "upper/one")
    assert (left.st_mode, left.st_rdev) == (stat.S_IFCHR, 0), left
    assert (layer / "upper/moved").read_text() == "one"
    unmount()


def overlayfs_writes_to_a_mount_with_attributes_of_users():
    overlayfs_writes_to_a_mount("userxattr")


def with_tarn_installed(script):
    """Runs it where /usr/local/bin has the tarn to test: mount(8) looks in no
    directory of ours."""
    begin = ("set -e; mount -t tmpfs none /usr/local/bin; "
             f"ln -s {TARN} /usr/local/bin/tarn; ")
    quiet("unshare", "-m", "sh", "-c", begin + script)


def quiet(*words):
    """What is started must not keep a pipe of ours open."""
    with open(TMP / "mount.log", "wb") as log:
        done = subprocess.run(
            [str(word) for word in words], check=False, timeout=TIMEOUT,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    assert done.returncode == 0, (TMP / "mount.log").read_text()


def mount_8_mounts_by_type():
    with_tarn_installed(f"""
        mount -t fuse.tarn {STORE} {POINT} -o \
            ro,bucket=photos,umask=077,noatime,audit={TMP}/log
        test "$(cat {POINT}/top)" = top
        grep " {POINT} fuse.tarn ro,.*noatime" /proc/mounts
        umount {POINT}
    """)
    unmount_is_over()
    lines = "".join(path.read_text() for path in (TMP / "log").iterdir())
    assert '"key":"top"' in lines, lines


def a_line_of_fstab_mounts():
    fstab = TMP / "fstab"
    fstab.write_text(f"{STORE} {POINT} fuse.tarn "
                     "defaults,_netdev,nofail,x-systemd.automount,"
                     "uid=12,gid=34 0 0\n")
    with_tarn_installed(f"""
        mount -T {fstab} {POINT}
        test "$(cat {POINT}/photos/top)" = top
        # What is mounted is known by the store's path, and not mounted again.
        mount -a -T {fstab}
        test "$(findmnt -n -o SOURCE {POINT})" = {STORE}
        umount {POINT}
        ! mountpoint -q {POINT}
    """)


def a_store_with_an_odd_path_mounts():
    store = TMP / "a,b \\c"
    store.symlink_to(STORE)
    copy = TMP / "d,e \\f"
    shutil.copytree(STORE, copy)
    quiet(TARN, "mount", POINT, "--store", copy, "--background")
    line = next(line for line in open("/proc/mounts") if f" {POINT} " in line)
    said = line.split()[0].replace("\\040", " ").replace("\\134", "\\")
    assert said == str(copy), line
    unmount()
    quiet(TARN, "mount", POINT, "--store", store, "--background")
    assert next(line for line in open("/proc/mounts")
                if f" {POINT} " in line).startswith(f"{STORE} ")
    unmount()


def the_helper_of_mount_8_has_its_statuses():
    helper = TMP / "mount.fuse.tarn"
    helper.symlink_to(TARN)
    quiet(helper, STORE, POINT, "-o", "rw,dev,suid")
    unmount()
    quiet(helper, STORE, POINT, "-o", "small-files,no-io-uring,allow-other,"
          f"key-file={STORE}/store.key")
    assert " ro," in next(line for line in open("/proc/mounts")
                          if f" {POINT} " in line)
    unmount()
    # What mount(8) is told goes behind what stands in fstab.
    quiet(helper, STORE, POINT, "-o", "uid=1,log-level=info,uid=12,gid=34,"
          "log-level=debug")
    assert os.path.ismount(POINT)
    unmount()
    said = refused(helper, STORE, POINT, "-o", "nonsense", status=1)
    assert "nonsense" in said, said
    said = refused(helper, TMP / "none", POINT, "-o", "rw", status=32)
    assert "none" in said, said
    refused(helper, STORE, status=1)
    quiet(helper, STORE, POINT, "-f", "-o", "rw")
    assert not os.path.ismount(POINT)


def a_user_mounts_a_store_of_his_own():
    """Without passthrough, which it says."""
    home = pathlib.Path("/tmp") / f"tarn-user-{os.getpid()}"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    # The clone may lie where only root comes, as in /root.
    program = home / "tarn"
    shutil.copy(TARN, program)
    script = f"""
        set -e
        cd {home}
        {program} init --store {home}/store >/dev/null
        mkdir {home}/m
        {program} mount {home}/m --store {home}/store --background 2>{home}/log
        mkdir {home}/m/bucket
        echo text >{home}/m/bucket/file
        test "$(cat {home}/m/bucket/file)" = text
        mv {home}/m/bucket/file {home}/m/bucket/other
        fusermount3 -u {home}/m
        for i in 1 2 3 4 5; do
            {program} mount {home}/m --store {home}/store 2>>{home}/log &
            until grep -q ' {home}/m fuse' /proc/mounts; do sleep 0.05; done
            exec 3<{home}/m/bucket/other
            kill $!
            wait $!
            exec 3<&-
        done
    """
    inside = (f"mknod {TMP}/fuse c 10 229 && chmod 666 {TMP}/fuse && "
              f"mount --bind {TMP}/fuse /dev/fuse && "
              "exec setpriv --reuid 65534 --regid 65534 --clear-groups "
              'sh -c "$SCRIPT"')
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", inside], timeout=TIMEOUT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
            env={**os.environ, "SCRIPT": script, "HOME": str(home)})
        log = home / "log"
        assert done.returncode == 0, done.stdout + (
            log.read_text() if log.exists() else "")
        assert "without passthrough: " in done.stdout, done.stdout
    finally:
        shutil.rmtree(home)


def a_full_disk_is_told_and_nothing_is_lost():
    with image("ext4", TMP, 48 << 20) as disk:
        store = disk / "store"
        run(TARN, "init", "--store", store)
        mount(store=store)
        top = POINT / "bucket"
        top.mkdir()
        (top / "before").write_bytes(b"x" * 300000)
        errors = []
        try:
            with open(top / "filler", "wb", buffering=0) as file:
                for _ in range(100):
                    file.write(bytes(1 << 20))
                    os.fsync(file.fileno())
        except OSError as error:
            errors.append(error.errno)
        assert errors == [errno.ENOSPC], errors
        assert (top / "before").read_bytes() == b"x" * 300000
        os.unlink(top / "filler")
        # The space is given back after the next checkpoint.
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                (top / "after").write_bytes(bytes(4 << 20))
                break
            except OSError as error:
                assert error.errno == errno.ENOSPC
                assert time.monotonic() < deadline, "no space comes back"
                time.sleep(0.1)
        unmount(store=store)


def errno_of(work):
    try:
        work()
    except OSError as error:
        return error.errno
    return None


def a_quota_is_told_by_df_and_by_errno():
    mount()
    top = POINT / "other"
    tarn("quota", "set", "--bucket", "other", "--bytes", "1MiB")
    (top / "small").write_bytes(bytes(256 << 10))
    space = os.statvfs(top)
    assert space.f_bavail * space.f_frsize == 768 << 10, space
    assert space.f_blocks * space.f_frsize == 1 << 20, space
    assert os.statvfs(POINT).f_blocks > space.f_blocks
    # What only root may take is not used, which is what df tells.
    ours, below = os.statvfs(POINT), os.statvfs(STORE)
    assert (ours.f_bfree - ours.f_bavail ==
            (below.f_bfree - below.f_bavail) * below.f_frsize // ours.f_frsize)
    assert errno_of(lambda: os.truncate(
        top / "small", 2 << 20)) == errno.EDQUOT

    with open(top / "large", "wb", buffering=0) as file:
        file.write(bytes(1 << 20))
        assert errno_of(lambda: os.fsync(file.fileno())) == errno.EDQUOT
    assert (top / "large").stat().st_size == 1 << 20
    assert errno_of(lambda: (top / "more").touch()) == errno.EDQUOT
    os.unlink(top / "large")
    (top / "more").touch()
    tarn("quota", "set", "--bucket", "other", "--bytes", "none")
    for name in "small", "more":
        os.unlink(top / name)
    unmount()


def a_mount_that_hangs_stops_nobody_and_catches_up():
    site = Site()
    try:
        keys = site.environment(**site.keys())
        hung = site.processes[-1]
        file = site.file("file", 100)

        def put(name):
            run("aws", "--endpoint-url", site.endpoint, "s3api", "put-object",
                "--bucket", "bucket", "--key", name, "--body", file, env=keys)

        (site.mount / "bucket").mkdir()
        assert not (site.mount / "bucket/one").exists()
        hung.send_signal(signal.SIGSTOP)
        try:
            put("one")
            put("two")
        finally:
            hung.send_signal(signal.SIGCONT)
        # What it had cached goes as soon as it has been told; a PUT that waits
        # for it again says when.
        put("three")
        deadline = time.monotonic() + TIMEOUT
        while not (site.mount / "bucket/one").exists():
            assert time.monotonic() < deadline, "it does not catch up"
            time.sleep(0.01)
        for name in "one", "two", "three":
            assert (site.mount / "bucket" / name).read_bytes() == (
                file.read_bytes())
    finally:
        site.close()


def deleted_files_of(process):
    """Data files that are gone but for a descriptor of the process."""
    found = []
    for link in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            if os.readlink(link).endswith(" (deleted)"):
                found.append(os.readlink(link))
        except FileNotFoundError:
            continue
    return [path for path in found if "/data/" in path]


def the_space_of_what_s3_deletes_comes_back_when_the_holder_is_killed():
    site = Site()
    try:
        keys = site.environment(**site.keys())
        daemon = site.processes[-1]
        (site.mount / "bucket").mkdir()
        path = site.mount / "bucket/held"
        path.write_bytes(b"x" * 300000)
        holder = subprocess.Popen(
            [sys.executable, "-c", "import sys\n"
             "file = open(sys.argv[1], 'r+b')\n"
             "print('open', flush=True)\n"
             "sys.stdin.read()", str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdout.readline()
        run("aws", "--endpoint-url", site.endpoint, "s3", "rm",
            "--only-show-errors", "s3://bucket/held", env=keys)
        assert not path.exists()
        deadline = time.monotonic() + TIMEOUT
        while not deleted_files_of(daemon):
            assert time.monotonic() < deadline, "the data file stays"
            time.sleep(0.05)
        holder.kill()
        holder.wait()
        while deleted_files_of(daemon):
            assert time.monotonic() < deadline, "the space stays taken"
            time.sleep(0.05)
    finally:
        site.close()


TESTS = [
    a_mount_is_unmounted_by_umount_and_by_fusermount3,
    one_that_another_covers_ends_too,
    one_bucket_is_the_top,
    a_directory_in_a_bucket_is_the_top,
    what_s3_does_below_that_top_is_seen_at_once,
    a_top_that_is_not_there_is_refused,
    kernel_flags_are_heeded,
    mount_8_mounts_by_type,
    a_line_of_fstab_mounts,
    a_store_with_an_odd_path_mounts,
    the_helper_of_mount_8_has_its_statuses,
    a_user_mounts_a_store_of_his_own,
    a_quota_is_told_by_df_and_by_errno,
    a_mount_that_hangs_stops_nobody_and_catches_up,
    the_space_of_what_s3_deletes_comes_back_when_the_holder_is_killed,
]

def has_user_namespaces():
    return not subprocess.run(
        ["sh", "-c", "unshare --user --map-root-user --mount true"],
        stderr=subprocess.DEVNULL, check=False).returncode


def root_of_a_user_namespace_is_told_that_there_is_no_passthrough():
    script = f"""
        {TARN} mount {POINT} --store {STORE} --background 2>{TMP}/mount.log
        echo text >{POINT}/photos/of-namespace
        umount {POINT}
    """
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec",
         script], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT,
        check=False)
    assert done.returncode == 0, (TMP / "mount.log").read_text()
    assert "without passthrough" in done.stdout, done.stdout
    unmount_is_over()


# Whether it can be tried, and why not.
CONDITIONAL = [
    (overlayfs_writes_to_a_mount, has_overlayfs,
     "this kernel has no overlayfs"),
    (overlayfs_writes_to_a_mount_with_attributes_of_users, has_overlayfs,
     "this kernel has no overlayfs"),
    (root_of_a_user_namespace_is_told_that_there_is_no_passthrough,
     has_user_namespaces, "there are no user namespaces here"),
]


def main():
    counts = Counts()
    if not can_mount() or os.geteuid() != 0:
        skip_all("mount", "no /dev/fuse here" if os.geteuid() == 0
                 else "not root")
    TMP.mkdir()
    POINT.mkdir()
    prepare()
    for test in TESTS:
        counts.run(test.__name__, test)
    for test, can_be, why_not in CONDITIONAL:
        if can_be():
            counts.run(test.__name__, test)
        else:
            counts.skip(test.__name__, why_not)
    why_not = why_no_image("ext4")
    if why_not:
        counts.skip("a full disk", why_not)
    else:
        counts.run("a_full_disk_is_told_and_nothing_is_lost",
                   a_full_disk_is_told_and_nothing_is_lost)
    shutil.rmtree(TMP, ignore_errors=True)
    counts.finish()


sys.exit(main())
