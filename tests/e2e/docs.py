#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/access.md says what the commands say: its tables of examples, and each
block that begins with a prompt."""

import json
import pathlib
import re
import shlex
import subprocess

import boto3

from support.site import ROOT, TARN, Site, run
from support.suite import Counts

PAGE = (ROOT / "docs/access.md").read_text()
CORPUS = pathlib.Path("tests/fuzz/corpus")
CALLERS = {
    "nobody": ["--anonymous"],
    "a token of another organization": ["--user", "t", "--org", "acme"],
    "a token of `org`": ["--user", "t", "--org", "org"],
    "a token without a role": ["--user", "t", "--org", "org"],
    **{role: ["--user", "ann", "--role", role, "--org", "org"]
       for role in ("reader", "writer", "admin")},
}
ON_NOTHING = ["ListAllMyBuckets"]


def section(title):
    return re.search(rf"^##+ {title}\n(.*?)(?=^## |\Z)", PAGE,
                     re.M | re.S)[1]


def rows(text, head):
    """The cells of the table below that head."""
    table = re.search(rf"^\| {re.escape(head)} \|\n\|[-|]*\n((?:\|.*\n)+)",
                      text, re.M)[1]
    return [[cell.strip() for cell in line.strip("|").split(" | ")]
            for line in table.splitlines()]


def blocks(text):
    """Commands behind a prompt, and what they print."""
    found = re.findall(r"^    \$ (tarn .*(?:\\\n.*)*)\n((?:    (?!\$ ).*\n)+)",
                       text, re.M)
    return [(command.replace("\\\n", " "), re.sub("^    ", "", said,
                                                  flags=re.M))
            for command, said in found]


def answer(site, words):
    done = subprocess.run([TARN, *words], capture_output=True, text=True,
                          timeout=60, check=False, cwd=ROOT)
    assert done.returncode in (0, 3), f"{words}: {done.stderr}"
    return done.stdout


def check_blocks(site, text, count):
    """Exactly what the page shows; DIR is the store."""
    found = blocks(text)
    assert len(found) == count, found
    for command, said in found:
        words = [str(site.store) if word == "DIR" else word
                 for word in shlex.split(command)[1:]]
        got = answer(site, words)
        assert got == said, f"{command}\n{got}"


def check_rows(site, found):
    for who, what, says, *_ in found:
        action, _, target = what.partition(" ")
        bucket, _, key = target.strip("`").partition("/")
        if action not in ON_NOTHING:
            bucket = bucket or "test-bucket"
        text = answer(site, [
            "policy", "test", "--action", f"s3:{action}", "--store",
            str(site.store), *CALLERS[who],
            *(["--bucket", bucket] if bucket else []),
            *(["--key", key] if key else [])])
        assert text.split(":")[0] == re.split("[ :,]", says)[0], (who, what,
                                                                  text)
        by = re.search(r" by ([\w-]+(?: \d)?)", says)
        decided = re.search(r"^decided by .*", text, re.M)
        assert bool(by) == bool(decided), (who, what, text)
        assert not by or by[1] in decided[0], (who, what, text)


def prepare(site):
    for name in "org", "acme":
        site.tarn("org", "create", name)
    made = json.loads(site.tarn("token", "create", "t", "--org", "org",
                                "--json"))
    site.s3 = boto3.client(
        "s3", endpoint_url=site.endpoint, region_name="default",
        aws_access_key_id=made["accessKey"],
        aws_secret_access_key=made["secretKey"])
    site.s3.create_bucket(Bucket="test-bucket")


def bucket_policy():
    return re.search(r"^    (\{\"Version\".*?\n)\n", section("An example"),
                     re.M | re.S)[1]


def the_example_with_the_bucket_s_policy_alone(site):
    site.s3.put_bucket_policy(Bucket="test-bucket", Policy=bucket_policy())

    found = rows(section("An example"), "who | what | answer | step")
    assert len(found) == 6, found
    check_rows(site, found)


def the_example_with_the_access_policy_alone(site):
    site.s3.delete_bucket_policy(Bucket="test-bucket")
    policy = (ROOT / CORPUS / "policy/saml_access").read_text()
    file = site.work / "give-saml-access"
    file.write_text(re.sub("<(.*)-role>", r"\1", policy))
    site.tarn("policy", "put", file, "--org", "org")

    found = rows(section("An example"), "role | what | answer | step")
    assert len(found) == 9, found
    check_rows(site, found)


def the_table_of_statements_is_the_access_policy(site):
    del site
    policy = json.loads((ROOT / CORPUS / "policy/saml_access").read_text())

    found = rows(section("An example"), "statement | effect | actions | "
                                        "resources | principals")
    listed = [[name, effect, re.findall("`(.*?)`", actions),
               re.findall("`(.*?)`", resources), [f"role/<{role}-role>"]]
              for name, effect, actions, resources, role in found]
    assert listed == [[s["name"], s["effect"], s["actions"], s["resources"],
                       s["principals"]] for s in policy["statements"]], listed


def the_example_with_both(site):
    site.tarn("policy", "delete", "give-saml-access", "--org", "org")
    site.s3.put_bucket_policy(Bucket="test-bucket", Policy=bucket_policy())
    site.tarn("policy", "put", site.work / "give-saml-access", "--org", "org")

    check_blocks(site, section("An example"), 3)


def the_example_of_a_response_that_is_refused(site):
    cert = site.work / "cert.pem"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
        site.work / "key.pem", "-out", cert, "-subj", "/CN=idp", "-days", "2")
    site.tarn("idp", "add", "acme", "--name", "main", "--cert", cert,
              "--issuer", "my-org.com", "--audience",
              "https://signin.aws.amazon.com/saml")

    text = section("Signing in").replace("$ tarn idp add", "tarn idp add")
    check_blocks(site, text, 1)


TESTS = [
    the_example_with_the_bucket_s_policy_alone,
    the_example_with_the_access_policy_alone,
    the_table_of_statements_is_the_access_policy,
    the_example_with_both,
    the_example_of_a_response_that_is_refused,
]


def main():
    counts = Counts()
    site = Site()
    try:
        prepare(site)
        for test in TESTS:
            counts.run(test.__name__, test, site)
    finally:
        counts.run("processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
