#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/up, and the session that the README shows, as a stranger runs them."""

import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from support.site import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
TMP = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
STORE, MOUNT, WORK = TMP / "store", TMP / "buckets", TMP / "work"
READY = "Stop it with Ctrl-C"


PORT = free_port()


class Up:
    """A tools/up on a terminal of its own."""

    running = []

    def __init__(self, *options, wrapper=()):
        self.text = ""
        self.began = time.monotonic()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            command = [*wrapper, str(ROOT / "tools/up")]
            command += ["--store", str(STORE)]
            command += ["--listen", f"127.0.0.1:{PORT}", *options]
            os.execvp(command[0], command)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        Up.running.append(self)

    def read(self):
        try:
            while chunk := os.read(self.terminal, 4096):
                self.text += chunk.decode(errors="replace")
        except OSError:  # the other side has closed
            pass

    def wait_ready(self, seconds):
        """Fails if it is not ready by then."""
        while READY not in self.text:
            if not self.reader.is_alive() or (
                    time.monotonic() > self.began + seconds):
                raise AssertionError(f"not ready: {self.text}")
            time.sleep(0.05)

    def exit_status(self, seconds=180):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                Up.running.remove(self)
                self.reader.join(5)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        raise AssertionError(f"still running after {seconds} s: {self.text}")

    def press_ctrl_c(self):
        os.write(self.terminal, b"\x03")


def shell(script):
    """Runs lines as somebody pastes them, in a shell that has the keys."""
    result = subprocess.run(
        ["bash", "-ec", f". {STORE}.clients/env\n{script}"], cwd=WORK,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        env={**os.environ, "HOME": str(TMP)})
    assert result.returncode == 0, f"{script}: {result.stdout}"
    return result.stdout


def servers():
    """The processes that serve our store."""
    return subprocess.run(["pgrep", "-f", f"tarn serve --store {STORE}"],
                          stdout=subprocess.PIPE, text=True,
                          check=False).stdout.split()


def is_mounted():
    return f" {MOUNT} " in pathlib.Path("/proc/mounts").read_text()


def session_of_readme():
    """The lines of the README's session, with our paths and port."""
    text = (ROOT / "README.md").read_text().split("## A session")[1]
    lines = re.findall(r"^    (\S.*)$", text.split("##")[0], re.M)
    return "\n".join(
        line.replace("127.0.0.1:9000", f"127.0.0.1:{PORT}").replace(
            "buckets/", f"{MOUNT}/")
        for line in lines if not line.startswith(". "))


def starts_and_the_readme_is_true():
    WORK.mkdir()
    (WORK / "big.bin").write_bytes(os.urandom(20 << 20))
    shutil.copytree(ROOT / "docs", WORK / "some-tree")
    up = Up("--mount", str(MOUNT))
    up.wait_ready(1200)

    listing = shell(session_of_readme())

    assert "s3://photos/renamed/tarn.1" in listing, listing
    refuses_a_port_in_use()
    up.press_ctrl_c()
    assert up.exit_status() == 0, up.text
    assert not is_mounted() and not servers()


def refuses_a_port_in_use():
    second = Up("--mount", str(TMP / "other"))
    assert second.exit_status() == 1
    assert "is in use" in second.text, second.text


def starts_again_and_keeps_the_objects():
    up = Up("--mount", str(MOUNT))
    up.wait_ready(180)

    shell(f"cmp big.bin {MOUNT}/photos/a/b/big.bin")

    os.kill(up.pid, signal.SIGTERM)
    assert up.exit_status() == 0, up.text
    assert not is_mounted() and not servers()


def leaves_no_process_when_killed():
    up = Up("--mount", str(MOUNT))
    up.wait_ready(180)

    os.kill(up.pid, signal.SIGKILL)

    up.exit_status()
    end = time.monotonic() + 180
    while servers() or is_mounted():
        assert time.monotonic() < end, f"still there: {servers()}"
        time.sleep(0.1)


def ends_when_its_server_was_killed():
    up = Up("--mount", str(MOUNT))
    up.wait_ready(180)
    server, = servers()

    os.kill(int(server), signal.SIGKILL)

    assert up.exit_status() != 0, up.text
    assert not is_mounted() and not os.listdir(MOUNT)


def refuses_a_mount_point_that_is_not_empty():
    up = Up("--mount", str(WORK))
    assert up.exit_status() == 1
    assert "is not empty" in up.text, up.text


def serves_s3_alone_without_fuse():
    no_fuse = ("mount --bind /dev/fuse /dev/fuse; "
               "mount -o remount,bind,nodev /dev/fuse; exec \"$@\"")
    up = Up("--mount", str(MOUNT),
            wrapper=("unshare", "-m", "bash", "-c", no_fuse, "-"))
    up.wait_ready(180)

    assert "without a mount" in up.text, up.text
    assert "a/b/big.bin" in shell("s3cmd ls -r s3://photos/")

    up.press_ctrl_c()
    assert up.exit_status() == 0, up.text
    assert not servers()


TESTS = [
    starts_and_the_readme_is_true,
    starts_again_and_keeps_the_objects,
    leaves_no_process_when_killed,
    ends_when_its_server_was_killed,
    refuses_a_mount_point_that_is_not_empty,
    serves_s3_alone_without_fuse,
]


def main():
    failed = 0
    if not os.path.exists("/dev/fuse"):
        print("skipped: up: no /dev/fuse here")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    for test in TESTS:
        try:
            test()
            print(f"ok - {test.__name__}")
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            failed += 1
            print(f"not ok - {test.__name__}: {error}")
        for up in list(Up.running):
            os.kill(up.pid, signal.SIGTERM)
            up.exit_status()
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
