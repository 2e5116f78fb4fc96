# SPDX-License-Identifier: Apache-2.0
"""A store, and real processes on it: tarn serve, tarn mount, an S3 client."""

import contextlib
import ctypes
import datetime
import hashlib
import hmac
import http.client
import ipaddress
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARN = os.environ.get("TARN", str(ROOT / "build/debug/tarn"))
TMP = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
# An address of this run's own: while the server is away nobody else takes its
# port, neither a run beside this one nor a client (the port is below those
# that the kernel gives to them).
HOST = str(ipaddress.ip_address("127.64.0.0") + os.getpid())
PORT = 9300
READY_SECONDS = 60
MNT_FORCE, MNT_DETACH = 1, 2
REGION = "us-east-1"
BUCKET = "bucket"


def tarn(*words, ok=(0,)):
    """Runs a command to its end; its output."""
    result = subprocess.run(
        [TARN, *map(str, words)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=300, check=False)
    assert result.returncode in ok, (
        f"tarn {words[0]}: status {result.returncode}: {result.stdout}")
    return result.stdout


class Process:
    """One that is killed and started again."""

    def __init__(self, name, *words, environment=None):
        self.name, self.words = name, words
        self.environment = {**os.environ, **(environment or {})}
        self.log = open(TMP / f"{name}.log", "ab")
        self.log_from = 0  # where that of the one that runs begins
        self.process = None

    def start(self):
        self.log_from = os.fstat(self.log.fileno()).st_size
        self.process = subprocess.Popen(
            [TARN, *map(str, self.words)], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, env=self.environment)
        end = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            self.expect_alive()
            assert time.monotonic() < end, f"{self.name} is not ready"
            time.sleep(0.01)

    def expect_alive(self):
        status = self.process.poll()
        assert status is None, (
            f"{self.name} ended by itself, status {status}: " +
            "".join((TMP / f"{self.name}.log").read_text(
                errors="replace").splitlines(True)[-30:]))

    def kill(self):
        self.expect_alive()
        self.end()

    def end(self):
        """Whatever is left of it goes."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.cut_off()
            self.process.wait()

    def cut_off(self):
        """Takes away what keeps a killed one from its end."""

    def stop(self):
        self.expect_alive()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        assert status == 0, f"{self.name}: status {status} after SIGTERM"


class Server(Process):
    def __init__(self, store, *words, name="serve", environment=None):
        super().__init__(name, "serve", "--store", store, "--listen",
                         f"{HOST}:{PORT}", "--threads", 2,
                         "--log-level", "warn", *words,
                         environment=environment)

    def start(self):
        """The port of one that was killed may be taken for a while: the kernel
        ends what waits in io_uring after the process."""
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                return super().start()
            except AssertionError as error:
                if ("something listens on" not in str(error) or
                        time.monotonic() > end):
                    raise

    def is_ready(self):
        """It says so; the port may still answer for one that was killed."""
        with open(TMP / f"{self.name}.log", "rb") as log:
            log.seek(self.log_from)
            return b"serving S3 on " in log.read()


class Mount(Process):
    def __init__(self, store, name):
        self.path = TMP / name
        self.path.mkdir()
        super().__init__(name, "mount", self.path, "--store", store,
                         "--log-level", "warn")

    def is_ready(self):
        return f" {self.path} fuse" in pathlib.Path(
            "/proc/mounts").read_text()

    def end(self):
        super().end()
        self.remove()

    def cut_off(self):
        # A thread of it may be telling the kernel to drop something, behind
        # somebody who waits for its answer: neither ends by itself.
        ctypes.CDLL(None).umount2(os.fsencode(self.path),
                                  MNT_FORCE | MNT_DETACH)

    def remove(self):
        """A killed daemon leaves its mount point behind."""
        while self.is_ready():
            subprocess.run(["fusermount3", "-u", "-z", str(self.path)],
                           stderr=subprocess.DEVNULL, check=False)


@contextlib.contextmanager
def running(*processes):
    """They run meanwhile, and end well; whatever happens, none is left."""
    try:
        for process in processes:
            process.start()
        yield
        for process in reversed(processes):
            process.stop()
    finally:
        for process in processes:
            process.end()


class Store:
    """A new one with a bucket and a key pair."""

    def __init__(self):
        self.path = TMP / "store"
        tarn("init", "--store", self.path)
        words = dict(
            line.rsplit(maxsplit=1) for line in tarn(
                "token", "create", "tester", "--store",
                self.path).splitlines())
        self.access_key = words["access key"]
        self.secret_key = words["secret key"]

    def fsck(self):
        return tarn("fsck", "--store", self.path)

    def data_files(self):
        """Without spares, which have no bytes."""
        return [path for path in (self.path / "data").rglob("*")
                if path.is_file() and (path.parent.name != "spare" or
                                       path.stat().st_size)]


class Lost(Exception):
    """No answer, or none that says what happened: it may have, or not."""


class Client:
    """S3, signed; a connection for each thread."""

    def __init__(self, store):
        self.store = store
        self.local = threading.local()

    def reset(self):
        """Forgets this thread's connection: the server may be another."""
        self.local.connection = None

    def sign(self, method, path, query, headers):
        now = datetime.datetime.now(datetime.timezone.utc)
        date = now.strftime("%Y%m%dT%H%M%SZ")
        headers = {**headers, "host": f"{HOST}:{PORT}",
                   "x-amz-date": date,
                   "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n"
                        for name in sorted(headers))
        request = "\n".join([method, path, query, lines, names,
                             "UNSIGNED-PAYLOAD"])
        scope = f"{date[:8]}/{REGION}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                          hashlib.sha256(request.encode()).hexdigest()])
        key = ("AWS4" + self.store.secret_key).encode()
        for word in (date[:8], REGION, "s3", "aws4_request"):
            key = hmac.new(key, word.encode(), "sha256").digest()
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.store.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}")
        return headers

    def request(self, method, key="", query=None, body=b"", headers=None):
        """Status and body; Lost where there is no whole answer, or 5xx."""
        path = urllib.parse.quote(f"/{BUCKET}/{key}" if key else f"/{BUCKET}")
        text = urllib.parse.urlencode(
            sorted((query or {}).items()), quote_via=urllib.parse.quote)
        headers = self.sign(method, path, text, headers or {})
        connection = getattr(self.local, "connection", None)
        if not connection:
            connection = http.client.HTTPConnection(
                HOST, PORT, timeout=60)
            self.local.connection = connection
        try:
            connection.request(method, f"{path}?{text}" if text else path,
                               body=body or None, headers=headers)
            reply = connection.getresponse()
            answer = reply.status, reply.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.local.connection = None
            raise Lost(str(error)) from error
        if answer[0] >= 500:
            raise Lost(f"{answer[0]} {answer[1]}")
        return answer

    def expect(self, method, key, wanted=(200, 204), **options):
        status, body = self.request(method, key, **options)
        assert status in wanted, f"{method} {key}: {status} {body}"
        return body

    def put(self, key, body):
        self.expect("PUT", key, body=body)

    def get(self, key):
        """None where there is none."""
        status, body = self.request("GET", key)
        assert status in (200, 404), f"GET {key}: {status} {body}"
        return body if status == 200 else None

    def delete(self, key):
        self.expect("DELETE", key)

    def copy(self, source, key):
        body = self.expect("PUT", key, headers={
            "x-amz-copy-source": f"/{BUCKET}/{source}"})
        if b"<ETag>" not in body:
            raise Lost(body)

    def upload(self, key, parts):
        body = self.expect("POST", key, query={"uploads": ""})
        upload_id = re.search(b"<UploadId>(.*)</UploadId>", body)[1].decode()
        listed = ""
        for number, part in enumerate(parts, 1):
            etag = '"' + hashlib.md5(part).hexdigest() + '"'
            self.expect("PUT", key, body=part, query={
                "partNumber": str(number), "uploadId": upload_id})
            listed += (f"<Part><PartNumber>{number}</PartNumber>"
                       f"<ETag>{etag}</ETag></Part>")
        body = self.expect(
            "POST", key, query={"uploadId": upload_id},
            body=("<CompleteMultipartUpload>" + listed +
                  "</CompleteMultipartUpload>").encode())
        if b"<ETag>" not in body:
            raise Lost(body)

    def keys(self):
        found, after = [], ""
        while True:
            body = self.expect("GET", "", query={
                "list-type": "2", "start-after": after}).decode()
            page = re.findall(r"<Key>(.*?)</Key>", body)
            found += page
            if "<IsTruncated>true" not in body:
                return found
            after = page[-1]

    def abort_uploads(self):
        while True:
            body = self.expect("GET", "", query={"uploads": ""}).decode()
            uploads = re.findall(
                r"<Key>(.*?)</Key>.*?<UploadId>(.*?)</UploadId>", body, re.S)
            for key, upload_id in uploads:
                self.expect("DELETE", key, query={"uploadId": upload_id})
            if not uploads:
                return


def can_mount():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
        return True
    except OSError:
        return False
