#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""s3cmd, against one process that serves and mounts."""

from support import suite
from support.site import run


class S3cmd:
    def __init__(self, site):
        self.env = site.environment(S3CMD_CONFIG=site.config("s3cmd"))

    def s3cmd(self, *words):
        return run("s3cmd", "--no-progress", *words, env=self.env)

    def make_bucket(self, bucket):
        self.s3cmd("mb", f"s3://{bucket}")

    def put(self, file, bucket, key):
        self.s3cmd("put", "--multipart-chunk-size-mb=5", file,
                   f"s3://{bucket}/{key}")

    def get(self, bucket, key, file):
        self.s3cmd("get", "--force", f"s3://{bucket}/{key}", file)

    def keys(self, bucket, prefix):
        root = f"s3://{bucket}/"
        lines = self.s3cmd("ls", "-r", root + prefix).splitlines()
        return [line.split(root, 1)[1] for line in lines]

    def copy(self, bucket, key, to):
        self.s3cmd("cp", f"s3://{bucket}/{key}", f"s3://{bucket}/{to}")

    def delete(self, bucket, key):
        self.s3cmd("rm", f"s3://{bucket}/{key}")

    def remove_bucket(self, bucket):
        self.s3cmd("rb", "--force", "--recursive", f"s3://{bucket}")


def moves_an_object(site, client):
    client.put(site.work / "small", suite.BUCKET, "before")

    client.s3cmd("mv", f"s3://{suite.BUCKET}/before",
                 f"s3://{suite.BUCKET}/after")

    assert not client.keys(suite.BUCKET, "before")
    suite.assert_same(site.work / "small", suite.fetch(site, client, "after"))
    client.delete(suite.BUCKET, "after")


def sees_the_md5_of_what_it_sent(site, client):
    md5 = run("md5sum", site.work / "small").split()[0]

    text = client.s3cmd("info", f"s3://{suite.BUCKET}/dir/below")

    assert md5 in text, text


def tells_unfinished_uploads_and_ends_them(site, client):
    del site
    assert "Initiated" in client.s3cmd("multipart", f"s3://{suite.BUCKET}")


if __name__ == "__main__":
    suite.main(S3cmd, [
        moves_an_object,
        sees_the_md5_of_what_it_sent,
        tells_unfinished_uploads_and_ends_them,
    ], is_one_process=True)
