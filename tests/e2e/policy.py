#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bucket policies by s3cmd, aws and curl; access policies by tarn policy."""

import json
import subprocess

from support.site import Site, TARN, TOKEN, free_port, run
from support.suite import Counts

BUCKET = "happybucket"
DOMAIN = "s3.test"
KEY = "my-new-file.txt"

# As in the first document that this service follows.
PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": [f"arn:aws:s3:::{BUCKET}/*"],
    }],
}


class Clients:
    """A site with a bucket, and what asks it."""

    def __init__(self, site):
        self.site = site
        self.s3cmd_env = site.environment(S3CMD_CONFIG=site.config("s3cmd"))
        self.aws_env = site.environment(**site.keys())
        self.policy = site.work / "examplepol"
        self.policy.write_text(json.dumps(PUBLIC, indent=2))
        self.file = site.file("file", 1000)
        self.s3cmd("mb", f"s3://{BUCKET}")
        self.s3cmd("put", self.file, f"s3://{BUCKET}/{KEY}")

    def s3cmd(self, *words):
        return run("s3cmd", "--no-progress", *words, env=self.s3cmd_env)

    def aws(self, *words):
        return run("aws", "--endpoint-url", self.site.endpoint, "s3api",
                   *words, env=self.aws_env)

    def curl(self, url, *options):
        """The status, and the body."""
        body = self.site.work / "body"
        body.unlink(missing_ok=True)
        status = run("curl", "-s", "-o", body, "-w", "%{http_code}", *options,
                     url, env=self.site.environment())
        return int(status), body.read_bytes() if body.exists() else b""

    def by_path(self, key=KEY, *options):
        return self.curl(f"{self.site.endpoint}/{BUCKET}/{key}", *options)

    def by_host(self, key=KEY):
        host, port = f"{BUCKET}.{DOMAIN}", self.site.endpoint.split(":")[-1]
        return self.curl(f"http://{host}:{port}/{key}",
                         "--resolve", f"{host}:{port}:127.0.0.1")

    def test(self, *words):
        """What tarn policy test says, and whether it exits as it says."""
        result = subprocess.run(
            [TARN, "policy", "test", "--store", self.site.store, *words],
            capture_output=True, timeout=60, check=False)
        text = result.stdout.decode()
        assert result.returncode in (0, 3), result.stderr
        assert text.startswith("allowed" if result.returncode == 0
                               else "refused"), text
        return text


def nobody_gets_in_without_a_policy(clients):
    status, body = clients.by_path()

    assert status == 403 and b"<Code>AccessDenied</Code>" in body, body
    assert clients.by_host()[0] == 403


def s3cmd_opens_a_bucket_to_the_world(clients):
    clients.s3cmd("setpolicy", clients.policy, f"s3://{BUCKET}")

    wanted = clients.file.read_bytes()
    assert clients.by_path() == (200, wanted)
    assert clients.by_host() == (200, wanted)
    assert clients.by_path("", "-X", "GET")[0] == 403
    assert clients.by_path("new", "-T", clients.file)[0] == 403
    assert clients.by_path(KEY, "-X", "DELETE")[0] == 403
    assert '"s3:GetObject"' in clients.s3cmd("info", f"s3://{BUCKET}")
    # Its owner goes on.
    clients.s3cmd("put", clients.file, f"s3://{BUCKET}/other")


def tarn_tells_which_statement_decides(clients):
    text = clients.test("--action", "s3:GetObject", "--bucket", BUCKET,
                        "--key", KEY, "--anonymous")
    assert "decided by statement 1, allow, of the bucket's policy" in text
    text = clients.test("--action", "s3:PutObject", "--bucket", BUCKET,
                        "--key", KEY, "--anonymous")
    assert text.startswith("refused: the bucket's policy does not allow it")
    assert "statement 1, allow: is of other actions" in text, text


def s3cmd_closes_it_again(clients):
    clients.s3cmd("delpolicy", f"s3://{BUCKET}")

    assert clients.by_path()[0] == 403


def aws_puts_and_gets_and_deletes_a_policy(clients):
    clients.aws("put-bucket-policy", "--bucket", BUCKET, "--policy",
                f"file://{clients.policy}")

    got = json.loads(clients.aws("get-bucket-policy", "--bucket", BUCKET))
    status = json.loads(clients.aws("get-bucket-policy-status", "--bucket",
                                    BUCKET))
    assert json.loads(got["Policy"]) == PUBLIC
    assert status == {"PolicyStatus": {"IsPublic": True}}, status
    assert clients.by_path()[0] == 200
    clients.aws("delete-bucket-policy", "--bucket", BUCKET)
    assert clients.by_path()[0] == 403


def aws_is_told_what_is_wrong_with_a_policy(clients):
    wrong = json.loads(json.dumps(PUBLIC))
    wrong["Statement"][0]["Action"] = "s3:GetObjekt"

    try:
        clients.aws("put-bucket-policy", "--bucket", BUCKET, "--policy",
                    json.dumps(wrong))
    except AssertionError as error:
        assert "MalformedPolicy" in str(error), error
        assert "Statement 1: Action: s3:GetObjekt is not an action" in str(
            error), error
    else:
        raise AssertionError("it was taken")


def an_access_policy_binds_the_tokens_of_the_organization(clients):
    path = clients.site.work / "access.json"
    path.write_text(json.dumps({
        "version": "v1alpha1",
        "name": "readers",
        "statements": [{
            "name": "read",
            "effect": "Allow",
            "actions": ["s3:Get*", "s3:List*"],
            "resources": [f"{BUCKET}/*"],
            "principals": [TOKEN],
        }],
    }))
    note = clients.site.tarn("policy", "put", path)

    assert "covers the bucket itself" in note, note
    assert "readers" in clients.site.tarn("policy", "list")
    clients.s3cmd("ls", f"s3://{BUCKET}")
    try:
        clients.s3cmd("put", clients.file, f"s3://{BUCKET}/forbidden")
    except AssertionError as error:
        assert "403" in str(error), error
    else:
        raise AssertionError("it was stored")
    text = clients.test("--action", "s3:PutObject", "--bucket", BUCKET,
                        "--key", "forbidden", "--user", TOKEN)
    assert "no policy of the organization allows it" in text, text
    clients.site.tarn("policy", "delete", "readers")
    clients.s3cmd("put", clients.file, f"s3://{BUCKET}/allowed")


def only_for(condition):
    statement = {**PUBLIC["Statement"][0], "Condition": condition}
    return json.dumps({**PUBLIC, "Statement": [statement]})


def an_address_is_a_proxys_word_only_where_that_is_trusted(clients):
    """The proxy is 127.0.0.1, other clients are 127.0.0.2."""
    trusting, other = (f"127.0.0.1:{free_port()}" for _ in range(2))
    clients.site.start("serve", "--listen", trusting, "--trusted-proxy",
                       "127.0.0.1", "--trusted-proxy", "192.0.2.0/24")
    clients.site.start("serve", "--listen", other, "--trusted-proxy",
                       "192.0.2.0/24")

    def status(server, *headers, peer="127.0.0.1"):
        words = [word for header in headers for word in ("-H", header)]
        return clients.curl(f"http://{server}/{BUCKET}/{KEY}", *words,
                            "--interface", peer)[0]

    clients.aws("put-bucket-policy", "--bucket", BUCKET, "--policy", only_for(
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    name = "X-Forwarded-For:"
    good = f"{name} 203.0.113.7"
    assert status(trusting, good) == 200
    assert status(trusting, f"{name} 203.0.113.7:4711") == 200
    # Through a second proxy that is trusted, too.
    assert status(trusting, f"{name} 203.0.113.7, 192.0.2.9") == 200
    assert status(trusting, good, f"{name} 192.0.2.9") == 200
    # What the client wrote itself stands before what the proxy saw.
    assert status(trusting, f"{name} 203.0.113.7, 198.51.100.1") == 403
    assert status(trusting, good, f"{name} 198.51.100.1") == 403
    assert status(trusting, f"{name} 198.51.100.1") == 403
    assert status(trusting, f"{name} unknown") == 403
    assert status(trusting) == 403
    assert status(trusting, good, peer="127.0.0.2") == 403
    assert status(other, good) == 403
    clients.aws("put-bucket-policy", "--bucket", BUCKET, "--policy", only_for(
        {"Bool": {"aws:SecureTransport": "true"}}))
    said = "X-Forwarded-Proto: https"
    assert status(trusting, said) == 200
    assert status(trusting, "X-Forwarded-Proto: http") == 403
    assert status(trusting) == 403
    assert status(trusting, said, peer="127.0.0.2") == 403
    assert status(other, said) == 403
    clients.aws("delete-bucket-policy", "--bucket", BUCKET)


def main():
    counts = Counts()
    site = Site(serve_options=["--domain", DOMAIN])
    clients = Clients(site)
    for test in [
            nobody_gets_in_without_a_policy,
            s3cmd_opens_a_bucket_to_the_world,
            tarn_tells_which_statement_decides,
            s3cmd_closes_it_again,
            aws_puts_and_gets_and_deletes_a_policy,
            aws_is_told_what_is_wrong_with_a_policy,
            an_access_policy_binds_the_tokens_of_the_organization,
            an_address_is_a_proxys_word_only_where_that_is_trusted,
    ]:
        counts.run(test.__name__, test, clients)
    counts.run("the processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
