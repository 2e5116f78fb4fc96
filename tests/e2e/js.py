#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""@aws-sdk/client-s3, the AWS SDK for JavaScript."""

import json
import os

from support import suite
from support.site import ROOT, run

SCRIPT = ROOT / "tests/e2e/support/s3.cjs"
MODULES = os.environ.get("NODE_PATH",
                         str(ROOT / "build/deps/npm/node_modules"))


class Js:
    def __init__(self, site):
        keys = site.keys()
        self.env = site.environment(
            **keys, AWS_REGION=keys["AWS_DEFAULT_REGION"], NODE_PATH=MODULES)

    def js(self, *words):
        return json.loads(run("node", SCRIPT, *words,
                              env=self.env).splitlines()[-1])

    def make_bucket(self, bucket):
        self.js("makeBucket", bucket)

    def put(self, file, bucket, key):
        self.js("put", file, bucket, key)

    def get(self, bucket, key, file):
        self.js("get", bucket, key, file)

    def keys(self, bucket, prefix):
        return self.js("keys", bucket, prefix)

    def copy(self, bucket, key, to):
        self.js("copy", bucket, key, to)

    def delete(self, bucket, key):
        self.js("delete", bucket, key)

    def remove_bucket(self, bucket):
        self.js("removeBucket", bucket)


def errors_have_their_names(site, client):
    del site
    assert client.js("errorOf", suite.BUCKET, "none") == "NoSuchKey"
    assert client.js("errorOf", "none", "none") == "NoSuchBucket"


def an_object_is_renamed(site, client):
    file = site.file("to-rename", suite.SMALL)
    client.put(file, suite.BUCKET, "r/what was")
    client.js("rename", suite.BUCKET, "r/what was", "r/d/it is")

    assert client.keys(suite.BUCKET, "r/") == ["r/d/it is"]
    suite.assert_same(file, suite.fetch(site, client, "r/d/it is"))
    if site.is_mounted:
        top = site.mount / suite.BUCKET / "r"
        assert [path.name for path in top.iterdir()] == ["d"]
        suite.assert_same(file, top / "d/it is")
    client.delete(suite.BUCKET, "r/d/it is")


def checksums_are_kept(site, client):
    del site
    for kind, value in [("CRC32", "NhCmhg=="), ("CRC32C", "mnG7TA=="),
                        ("SHA1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=")]:
        assert client.js("checksum", suite.BUCKET, "sum", kind) == value
    client.delete(suite.BUCKET, "sum")


if __name__ == "__main__":
    if os.path.isdir(os.path.join(MODULES, "@aws-sdk/client-s3")):
        suite.main(Js, [errors_have_their_names, an_object_is_renamed,
                        checksums_are_kept])
    suite.skip_all("js", "@aws-sdk/client-s3 is not installed")
