#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The audit log of real requests and of opens on a mount, and its delivery
into a bucket."""

import base64
import errno
import gzip
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

from support.site import TARN, Site, can_mount, run
from support.suite import Counts

LOGS = "cw-default-audit-logs"
DIR = pathlib.Path(tempfile.mkdtemp(prefix="audit-"))


class Clients:
    def __init__(self, site):
        self.site = site
        self.env = site.environment(**site.keys())

    def aws(self, *words):
        return run("aws", "--endpoint-url", self.site.endpoint, *words,
                   env=self.env)

    def curl(self, *words):
        return run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                   *words, env=self.site.environment())


def asks(clients):
    """Requests that are allowed, refused, and not understood."""
    small = clients.site.file("small", 1000)

    clients.aws("s3", "mb", "s3://photos")
    clients.aws("s3", "cp", small, "s3://photos/umlaut-\u00e4 \"quoted\"")
    clients.aws("s3", "cp", "s3://photos/umlaut-\u00e4 \"quoted\"",
                clients.site.work / "back")
    clients.aws("s3", "cp", "s3://photos/umlaut-\u00e4 \"quoted\"",
                "s3://photos/copy")
    clients.aws("s3api", "delete-objects", "--bucket", "photos", "--delete",
                "Objects=[{Key=copy},{Key=never-there}]")
    url = clients.aws("s3", "presign", "s3://photos/nothing").strip()
    assert clients.curl(url) == "404"
    assert clients.curl(f"{clients.site.endpoint}/photos/secret") == "403"
    assert clients.curl("-A", "odd\u00e9\"agent", "-X", "BREW",
                        f"{clients.site.endpoint}/photos/a") in ("405", "400",
                                                                 "501")


def read(directory):
    """All lines, in the order of their files: as text, and parsed."""
    text = "".join(path.read_text() for path in
                   sorted(directory.glob("*.jsonl")))
    return text, [json.loads(line) for line in text.splitlines()]


def lines_tell(clients):
    keys = clients.site.keys()
    clients.site.close()
    text, lines = read(DIR)

    put = next(line for line in lines if line.get("operation") == "PutObject")
    assert put["action"] == "s3:PutObject", put
    assert put["decision"] == "allow" and put["status"] == 200, put
    assert put["accessKeyId"] == keys["AWS_ACCESS_KEY_ID"], put
    assert put["principal"] == "e2e", put
    assert put["organization"] == "default", put
    assert put["bucketName"] == "photos", put
    assert put["key"] == "umlaut-\u00e4 \"quoted\"", put
    assert put["bytesReceived"] >= 1000 and not put["tls"], put
    assert put["sourceIp"] == "127.0.0.1", put
    assert "aws-cli" in put["userAgent"].lower(), put
    get = next(line for line in lines if line.get("operation") == "GetObject"
               and line["status"] == 200)
    assert get["bytesSent"] == 1000, get
    copy = next(line for line in lines if line.get("operation") == "CopyObject")
    assert copy["key"] == "copy" and copy["sourceBucketName"] == "photos", copy
    assert copy["sourceKey"] == put["key"], copy
    assert copy["sourceDecision"] == "allow" and copy["sourceReason"], copy
    many = next(line for line in lines
                if line.get("operation") == "DeleteObjects")
    assert many["keys"] == [{"key": "copy"}, {"key": "never-there"}], many
    missing = next(line for line in lines if line.get("key") == "nothing")
    assert missing["error"] == "NoSuchKey", missing
    stranger = next(line for line in lines if line.get("key") == "secret")
    assert stranger["decision"] == "deny" and stranger["status"] == 403
    assert stranger["error"] == "AccessDenied", stranger
    assert "principal" not in stranger and "reason" in stranger, stranger
    assert len({line["requestId"] for line in lines}) == len(lines)
    for secret in (keys["AWS_SECRET_ACCESS_KEY"], "X-Amz-Signature",
                   "Signature="):
        assert secret not in text, secret


def complete_files_are_delivered():
    # Not where the files of the server before lie: they would come first.
    site = Site(serve_options=["--audit", DIR / "second", "--audit-bucket", LOGS,
                               "--audit-file-seconds", "1"])
    clients = Clients(site)

    # Each listing is a line, too; the first file is complete after a second.
    listed = ""
    for _ in range(60):
        listed = listed or clients.aws("s3api", "list-objects-v2", "--bucket",
                                       LOGS, "--query", "Contents[0].Key")
        listed = listed.strip().strip('"').replace("null", "")
    key = listed
    assert key.startswith("data-plane/20") and key.endswith(".gz"), listed
    target = site.work / "delivered.gz"
    clients.aws("s3", "cp", f"s3://{LOGS}/{key}", target)
    lines = [json.loads(line) for line in gzip.open(target, "rt")]
    assert any(line.get("operation") == "ListObjectsV2" for line in lines)
    site.close()


def ask_until_no_answer(site, answers):
    """Requests of which much is told."""
    request = (f"GET /photos HTTP/1.1\r\nHost: {site.address}\r\n"
               f"User-Agent: {'x' * 4000}\r\n\r\n").encode()
    host, port = site.address.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as sock:
        try:
            # More than a server keeps of lines that the disk does not take.
            for _ in range(10_000):
                sock.sendall(request)
                answer = sock.recv(65536)
                assert answer.startswith(b"HTTP/1.1 404"), answer
                answers.append(1)
        except TimeoutError:
            return
    raise AssertionError("all were answered")


def a_full_disk_holds_up_requests_but_not_the_end():
    logs = DIR / "gone"
    site = Site(serve_options=["--audit", logs])
    log = site.dir / "serve.log"
    answers = []

    # What is removed takes no file, as a disk that is full.
    logs.rmdir()
    askers = [threading.Thread(target=ask_until_no_answer,
                               args=(site, answers)) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    # What is kept, four MiB, and what left before the disk was found full.
    assert len(answers) > 900, len(answers)
    said = site.close(log)
    assert "are waited for" in said, said
    assert re.search(r"and [1-4] before them were dropped", said), said


def fails(number, path, flags):
    try:
        os.close(os.open(path, flags))
    except OSError as error:
        assert error.errno == number, error
    else:
        raise AssertionError(f"{path} was opened")


def only(lines, **fields):
    found = [line for line in lines if all(
        line.get(name) == value for name, value in fields.items())]
    assert len(found) == 1, f"{fields}: {found}"
    return found[0]


def one_log_has_requests_and_opens():
    logs = DIR / "both"
    site = Site(is_one_process=True, serve_options=[
        "--audit", logs, "--sse-c-without-tls"])
    clients = Clients(site)
    key = site.work / "key"
    secret = os.urandom(32)
    key.write_bytes(secret)
    small = site.file("small", 1000)
    there = site.mount / "photos"

    clients.aws("s3", "mb", "s3://photos")
    clients.aws("s3", "cp", small, "s3://photos/dir/plain")
    clients.aws("s3", "cp", "--sse-c", "AES256", "--sse-c-key", f"fileb://{key}",
                small, "s3://photos/sealed")
    (there / "dir/plain").read_bytes()
    # The way there is ours alone, but they stand there already.
    run("setpriv", "--reuid", "12", "--regid", "34", "--clear-groups", "cat",
        "dir/plain", cwd=there)
    (there / "made").write_text("text")
    (there / "made").chmod(0o600)
    fails(errno.ENOKEY, there / "sealed", os.O_RDONLY)
    site.tarn("quota", "set", "--bucket", "photos", "--objects", "1")
    fails(errno.EDQUOT, there / "more", os.O_WRONLY | os.O_CREAT)
    # The kernel's answer: nobody asks us.
    result = subprocess.run(
        ["setpriv", "--reuid", "56", "--regid", "56", "--clear-groups", "cat",
         "made"], cwd=there, capture_output=True, check=False)
    assert b"Permission denied" in result.stderr, result
    site.close()

    text, lines = read(logs)
    for form in secret.hex(), base64.b64encode(secret).decode():
        assert form not in text, form
    only(lines, operation="PutObject", key="dir/plain", status=200)
    opens = [line for line in lines if line.get("source") == "mount"]
    own = only(opens, operation="Open", key="dir/plain", uid=0)
    assert own["pid"] == os.getpid() and own["status"] == 0, own
    assert own["bucketName"] == "photos" and own["decision"] == "allow", own
    assert own["action"] == "s3:GetObject", own
    others = only(opens, operation="Open", key="dir/plain", uid=12)
    assert others["gid"] == 34 and others["principal"] == "uid/12", others
    assert others["command"] == "cat", others
    made = only(opens, operation="Create", key="made")
    assert made["action"] == "s3:PutObject" and made["access"] == "write", made
    sealed = only(opens, key="sealed")
    assert sealed["decision"] == "deny" and sealed["error"] == "ENOKEY", sealed
    assert sealed["status"] == errno.ENOKEY, sealed
    full = only(opens, key="more")
    assert full["decision"] == "deny" and full["error"] == "EDQUOT", full
    assert not any(line["uid"] == 56 for line in opens)
    assert len({line["requestId"] for line in lines}) == len(lines)


def a_mount_has_a_log_of_its_own():
    logs = DIR / "mount"
    site = Site()
    point = site.dir / "audited"
    point.mkdir()
    (site.mount / "photos").mkdir()
    site.start("mount", point, "--audit", logs, "--audit-file-bytes", "65536",
               "--bucket", "photos")

    for number in range(600):
        (point / f"file-{number:03}").touch()
    (site.mount / "photos/not-by-this-one").touch()
    site.close()

    text, lines = read(logs)
    assert "not-by-this-one" not in text
    assert sorted(line["key"] for line in lines) == [
        f"file-{number:03}" for number in range(600)]
    names = sorted(path.name for path in logs.iterdir())
    assert len(names) > 1 and all("Z-mount-" in name for name in names), names


def logs_that_would_tell_nothing_are_refused():
    site = Site()

    def refused(status, *words):
        result = subprocess.run(
            [TARN, *map(str, words), "--store", str(site.store)],
            capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == status, result
        return result.stderr

    point = site.dir / "other"
    point.mkdir()
    for words in (["mount", point], ["serve", "--mount", point]):
        said = refused(2, *words, "--small-files", "--audit", DIR / "none")
        assert "--small-files" in said and "--audit" in said, said
    said = refused(1, "mount", point, "--audit", point / "log")
    assert "audit log lies there" in said, said
    said = refused(2, "mount", point, "--audit-when-full", "drop")
    assert "--audit DIR is missing" in said, said
    assert not os.path.ismount(point)
    site.close()


def a_bucket_of_another_organization_is_refused():
    site = Site()
    site.tarn("org", "create", "other")
    key = json.loads(site.tarn("token", "create", "stranger", "--org", "other",
                               "--json"))
    run("aws", "--endpoint-url", site.endpoint, "s3", "mb", "s3://others-logs",
        env=site.environment(AWS_DEFAULT_REGION="default",
                             AWS_ACCESS_KEY_ID=key["accessKey"],
                             AWS_SECRET_ACCESS_KEY=key["secretKey"]))

    result = subprocess.run(
        [TARN, "serve", "--listen", "127.0.0.1:0", "--audit", DIR / "others",
         "--audit-bucket", "others-logs", "--store", site.store],
        capture_output=True, text=True, timeout=60, check=False)

    assert result.returncode == 1, result
    assert "others-logs: belongs to another organization" in result.stderr, \
        result
    site.close()


def main():
    counts = Counts()
    clients = Clients(Site(serve_options=["--audit", DIR]))
    counts.run("asks", lambda: asks(clients))
    counts.run("lines_tell", lambda: lines_tell(clients))
    counts.run("complete_files_are_delivered", complete_files_are_delivered)
    counts.run("a_full_disk_holds_up_requests_but_not_the_end",
               a_full_disk_holds_up_requests_but_not_the_end)
    counts.run("a_bucket_of_another_organization_is_refused",
               a_bucket_of_another_organization_is_refused)
    for test in (one_log_has_requests_and_opens, a_mount_has_a_log_of_its_own,
                 logs_that_would_tell_nothing_are_refused):
        if can_mount():
            counts.run(test.__name__, test)
        else:
            counts.skip(test.__name__, "no /dev/fuse here")
    counts.finish()


sys.exit(main())
