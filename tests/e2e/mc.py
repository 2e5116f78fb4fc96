#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""minio's mc, where it is packaged (as minio-client)."""

import json
import shutil
import subprocess

from support import suite
from support.site import run


def find_mc():
    """Its path; mc is a file manager's name too."""
    for name in "minio-client", "mcli", "mc":
        path = shutil.which(name)
        if path and b"minio" in subprocess.run(
                [path, "--version"], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                check=False).stdout.lower():
            return path
    return None


class Mc:
    def __init__(self, site):
        keys = site.keys()
        self.path = find_mc()
        self.env = site.environment(MC_CONFIG_DIR=site.dir / "mc")
        self.mc("alias", "set", "tarn", site.endpoint,
                keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"],
                "--api", "S3v4", "--path", "on")

    def mc(self, *words):
        return run(self.path, "--json", *words, env=self.env)

    def make_bucket(self, bucket):
        self.mc("mb", f"tarn/{bucket}")

    def put(self, file, bucket, key):
        self.mc("cp", file, f"tarn/{bucket}/{key}")

    def get(self, bucket, key, file):
        self.mc("cp", f"tarn/{bucket}/{key}", file)

    def keys(self, bucket, prefix):
        lines = self.mc("ls", "--recursive", f"tarn/{bucket}").splitlines()
        keys = [json.loads(line)["key"] for line in lines]
        return [key for key in keys if key.startswith(prefix)]

    def copy(self, bucket, key, to):
        self.mc("cp", f"tarn/{bucket}/{key}", f"tarn/{bucket}/{to}")

    def delete(self, bucket, key):
        self.mc("rm", f"tarn/{bucket}/{key}")

    def remove_bucket(self, bucket):
        self.mc("rb", "--force", f"tarn/{bucket}")


if __name__ == "__main__":
    if find_mc():
        suite.main(Mc)
    suite.skip_all("mc", "minio-client is not packaged here")
