#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The AWS command line, version 2."""

import json
import os

from support import suite
from support.site import run

GIB = 1 << 30


class Aws:
    def __init__(self, site):
        # endpoint_url in the file is for those since 2.13.
        self.env = site.environment(AWS_CONFIG_FILE=site.config("aws"),
                                    AWS_EC2_METADATA_DISABLED="true",
                                    AWS_PAGER="")
        self.endpoint = site.endpoint

    def aws(self, *words):
        # A gibibyte takes its time where everything is instrumented.
        return run("aws", "--endpoint-url", self.endpoint, *words,
                   env=self.env, timeout=300)

    def api(self, *words):
        text = self.aws("s3api", *words, "--output", "json")
        return json.loads(text) if text.strip() else {}

    def make_bucket(self, bucket):
        self.aws("s3", "mb", f"s3://{bucket}")

    def put(self, file, bucket, key):
        self.aws("s3", "cp", "--quiet", file, f"s3://{bucket}/{key}")

    def get(self, bucket, key, file):
        self.aws("s3", "cp", "--quiet", f"s3://{bucket}/{key}", file)

    def keys(self, bucket, prefix):
        reply = self.api("list-objects-v2", "--bucket", bucket,
                         "--prefix", prefix, "--page-size", "3")
        return [item["Key"] for item in reply.get("Contents", [])]

    def copy(self, bucket, key, to):
        self.aws("s3", "cp", "--quiet", f"s3://{bucket}/{key}",
                 f"s3://{bucket}/{to}")

    def delete(self, bucket, key):
        self.aws("s3", "rm", "--quiet", f"s3://{bucket}/{key}")

    def remove_bucket(self, bucket):
        self.aws("s3", "rb", "--force", f"s3://{bucket}")


def sends_a_gibibyte(site, client):
    file = site.work / "gibibyte"
    block = os.urandom(1 << 20)
    with open(file, "wb") as out:
        for i in range(GIB >> 20):
            out.write(i.to_bytes(8, "big") + block[8:])
    client.aws("s3", "cp", "--quiet", file, f"s3://{suite.BUCKET}/gibibyte")

    head = client.api("head-object", "--bucket", suite.BUCKET,
                      "--key", "gibibyte")

    assert head["ContentLength"] == GIB, head
    assert head["ETag"].strip('"').endswith(f"-{GIB >> 23}"), head
    if site.is_mounted:
        suite.assert_same(file, site.mount / suite.BUCKET / "gibibyte")
    client.get(suite.BUCKET, "gibibyte", site.work / "back")
    suite.assert_same(file, site.work / "back")
    (site.work / "back").unlink()
    file.unlink()
    client.delete(suite.BUCKET, "gibibyte")


def syncs_a_tree_and_nothing_the_second_time(site, client):
    tree = site.work / "tree"
    for name in "a", "b/c", "b/d/e":
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    target = f"s3://{suite.BUCKET}/tree"

    first = client.aws("s3", "sync", tree, target)
    second = client.aws("s3", "sync", tree, target)

    assert first.count("upload: ") == 3, first
    assert second == "", second
    client.aws("s3", "rm", "--quiet", "--recursive", target)
    assert not client.keys(suite.BUCKET, "tree/")


def presigned_urls_open_for_curl(site, client):
    key = f"s3://{suite.BUCKET}/plain"
    url = client.aws("s3", "presign", key).strip()

    run("curl", "-sSf", "-o", site.work / "curled", url)

    suite.assert_same(site.work / "other", site.work / "curled")
    status = run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
                 url.replace("plain", "empty"))
    assert status == "403", status


def reads_attributes_ranges_and_checksums(site, client):
    at = ["--bucket", suite.BUCKET, "--key", "described"]
    client.api("put-object", *at, "--body", site.work / "small",
               "--content-type", "text/x-test", "--metadata", "colour=green",
               "--checksum-algorithm", "SHA256")

    head = client.api("head-object", *at, "--checksum-mode", "ENABLED")
    part = client.api("get-object", *at, "--range", "bytes=10-19",
                      site.work / "range")

    assert head["ContentType"] == "text/x-test", head
    assert head["Metadata"] == {"colour": "green"}, head
    assert len(head["ChecksumSHA256"]) == 44, head
    assert part["ContentRange"] == f"bytes 10-19/{suite.SMALL}", part
    assert (site.work / "range").read_bytes() == (
        site.work / "small").read_bytes()[10:20]
    client.delete(suite.BUCKET, "described")


def what_is_not_there_says_so(site, client):
    del site
    for words, code in [
            (["head-bucket", "--bucket", "none"], "404"),
            (["list-object-versions", "--bucket", "none"], "NoSuchBucket"),
            (["create-bucket", "--bucket", suite.BUCKET],
             "BucketAlreadyOwnedByYou"),
            (["delete-bucket", "--bucket", suite.BUCKET], "BucketNotEmpty"),
            (["list-objects-v2", "--bucket", "none"], "NoSuchBucket")]:
        try:
            client.api(*words)
        except AssertionError as error:
            assert code in str(error), error
        else:
            raise AssertionError(f"{words} succeeded")


if __name__ == "__main__":
    suite.main(Aws, [
        sends_a_gibibyte,
        syncs_a_tree_and_nothing_the_second_time,
        presigned_urls_open_for_curl,
        reads_attributes_ranges_and_checksums,
        what_is_not_there_says_so,
    ])
