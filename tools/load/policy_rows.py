# SPDX-License-Identifier: Apache-2.0
"""How long a decision takes, without anything around it."""

import json
import subprocess

NOTE = ("decide() over a bucket policy of 20 statements with principals, "
        "wildcards and conditions.")

ROWS = {
    "owner": "the owner's token, the policy silent",
    "stranger": "a stranger, the last statement allows",
    "list": "a stranger, the policy silent, an ACL allows",
    "refused": "a stranger, refused",
}


def run(site, report):
    report.group("Policies", NOTE)
    text = subprocess.run([site.binaries / "tools/load/policies"],
                          stdout=subprocess.PIPE, check=True).stdout
    for name, nanoseconds in json.loads(text).items():
        report.row(f"Decision: {ROWS[name]}", "/s", 1e9 / nanoseconds)
