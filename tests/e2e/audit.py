#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The audit log of real requests, and its delivery into a bucket."""

import gzip
import json
import pathlib
import sys
import tempfile

from support.site import Site, run
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
    url = clients.aws("s3", "presign", "s3://photos/nothing").strip()
    assert clients.curl(url) == "404"
    assert clients.curl(f"{clients.site.endpoint}/photos/secret") == "403"
    assert clients.curl("-A", "odd\u00e9\"agent", "-X", "BREW",
                        f"{clients.site.endpoint}/photos/a") in ("405", "400",
                                                                 "501")


def lines_tell(clients):
    keys = clients.site.keys()
    clients.site.close()
    texts = [gzip.open(path, "rt").read() for path in
             sorted(DIR.glob("*.gz"))]
    texts += [path.read_text() for path in sorted(DIR.glob("*.jsonl"))]
    text = "".join(texts)
    lines = [json.loads(line) for line in text.splitlines()]

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


def main():
    counts = Counts()
    clients = Clients(Site(serve_options=["--audit", DIR]))
    counts.run("asks", lambda: asks(clients))
    counts.run("lines_tell", lambda: lines_tell(clients))
    counts.run("complete_files_are_delivered", complete_files_are_delivered)
    counts.finish()


sys.exit(main())
