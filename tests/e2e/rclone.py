#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rclone."""

from support import suite
from support.site import run


class Rclone:
    def __init__(self, site):
        self.env = site.environment(RCLONE_CONFIG=site.config("rclone"))

    def rclone(self, *words):
        return run("rclone", "--s3-upload-cutoff", "5M", "--s3-chunk-size",
                   "5M", *words, env=self.env)

    def make_bucket(self, bucket):
        self.rclone("mkdir", f"tarn:{bucket}")

    def put(self, file, bucket, key):
        self.rclone("copyto", file, f"tarn:{bucket}/{key}")

    def get(self, bucket, key, file):
        self.rclone("copyto", f"tarn:{bucket}/{key}", file)

    def keys(self, bucket, prefix):
        text = self.rclone("lsf", "-R", "--files-only", f"tarn:{bucket}")
        return [key for key in text.splitlines() if key.startswith(prefix)]

    def copy(self, bucket, key, to):
        self.rclone("copyto", f"tarn:{bucket}/{key}", f"tarn:{bucket}/{to}")

    def delete(self, bucket, key):
        self.rclone("deletefile", f"tarn:{bucket}/{key}")

    def remove_bucket(self, bucket):
        self.rclone("purge", f"tarn:{bucket}")


def keeps_the_times_of_a_tree_and_finds_nothing_to_do(site, client):
    tree = site.work / "tree"
    for name in "a", "b/c", "b/d/e":
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    target = f"tarn:{suite.BUCKET}/tree"

    client.rclone("copy", tree, target)

    assert "0 differences" in client.rclone("check", tree, target)
    again = client.rclone("copy", "-v", tree, target)
    assert "Copied" not in again, again
    client.rclone("purge", target)
    assert not client.keys(suite.BUCKET, "tree/")


def checks_the_mount_against_the_bucket(site, client):
    if site.is_mounted:
        text = client.rclone("check", "--download", site.mount / suite.BUCKET,
                             f"tarn:{suite.BUCKET}")
        assert "0 differences" in text, text


if __name__ == "__main__":
    suite.main(Rclone, [
        keeps_the_times_of_a_tree_and_finds_nothing_to_do,
        checks_the_mount_against_the_bucket,
    ])
