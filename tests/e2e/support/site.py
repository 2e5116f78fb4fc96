# SPDX-License-Identifier: Apache-2.0
"""A store of a suite's own, served over S3 and mounted by real processes."""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARN = os.environ.get("TARN", str(ROOT / "build/debug/tarn"))
READY_SECONDS = 60
TOKEN = "e2e"


def free_port():
    """None that the kernel gives to whom it is all the same."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def can_mount():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError:
        return False
    return True


def run(*command, **options):
    """Runs a command that must succeed; gives what it has printed."""
    options = {"stdin": subprocess.DEVNULL, "timeout": 120, **options}
    result = subprocess.run([str(word) for word in command],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            check=False, **options)
    text = result.stdout.decode(errors="replace")
    assert result.returncode == 0, f"{command[:4]}: {text[-2000:]}"
    return text


class Site:
    """Processes and paths; with is_one_process one of them does all."""

    def __init__(self, is_one_process=False, serve_options=()):
        parent = os.environ.get("TMPDIR", "/tmp")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="e2e-", dir=parent))
        self.store = self.dir / "store"
        self.mount = self.dir / "buckets"
        self.work = self.dir / "work"
        self.is_mounted = can_mount()
        self.processes = []
        self.address = f"127.0.0.1:{free_port()}"
        self.endpoint = f"http://{self.address}"
        self.mount.mkdir()
        self.work.mkdir()
        self.tarn("init")
        self.tarn("token", "create", TOKEN)
        serve = ["serve", "--listen", self.address, *serve_options]
        mount = ["mount", self.mount]
        if self.is_mounted and is_one_process:
            self.start(*serve, "--mount", self.mount)
        else:
            self.start(*serve)
            if self.is_mounted:
                self.start(*mount)

    def tarn(self, *words):
        return run(TARN, *words, "--store", self.store)

    def start(self, *words):
        """Starts a process; returns once it says that it is ready."""
        log = open(self.dir / f"{words[0]}.log", "wb")
        process = subprocess.Popen(
            [TARN, *map(str, words), "--store", str(self.store)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        self.processes.append(process)
        line = process.stdout.readline().decode()
        if not line:
            process.wait(READY_SECONDS)
            raise AssertionError(f"{words[0]} did not start: " +
                                 (self.dir / f"{words[0]}.log").read_text())

    def config(self, client):
        """The file that `tarn token config` makes for a client."""
        path = self.dir / f"{client}.conf"
        path.write_text(self.tarn("token", "config", TOKEN, "--for", client,
                                  "--endpoint", self.endpoint))
        return path

    def keys(self):
        """What the file for the environment says, as a shell reads it."""
        text = run("sh", "-c", f". {self.config('env')}; env")
        pairs = (line.split("=", 1) for line in text.splitlines())
        return {pair[0]: pair[1] for pair in pairs
                if pair[0].startswith("AWS_")}

    def environment(self, **more):
        """The environment of a client: nothing of the user's own."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.dir),
                "LC_ALL": "C.UTF-8", **{k: str(v) for k, v in more.items()}}

    def file(self, name, size):
        """A file of random bytes to send."""
        path = self.work / name
        with open(path, "wb") as file:
            for _ in range(0, size, 1 << 20):
                file.write(os.urandom(min(size - file.tell(), 1 << 20)))
        return path

    def close(self, wanted=None):
        """Ends the processes; what they say on failure is an error.  Gives the
        text of the log that is asked for."""
        errors = []
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                status = process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
                status = "still running after 120 s"
            if status != 0:
                errors.append(f"{process.args[1]}: exit {status}")
        for log in self.dir.glob("*.log"):
            text = log.read_text(errors="replace")
            if "ERROR: " in text or "runtime error: " in text:
                errors.append(text[-4000:])
        said = wanted.read_text(errors="replace") if wanted else None
        if not errors:
            shutil.rmtree(self.dir)
        assert not errors, "\n".join(errors)
        return said
