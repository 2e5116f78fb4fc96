#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SSE-C: objects sealed with a key of the customer's, by aws, boto3, rclone
and through a mount that has the key; and what of it is left on the disk."""

import base64
import errno
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import ClientError

from support.site import Site, TARN, free_port, run
from support.suite import Counts, assert_same

BUCKET = "vault"
# Over 100 MiB: aws sends it as an upload of parts, at 8 MiB each.
BIG = (101 << 20) + 12345
LARGE = (12 << 20) + 345
MARK = b"plaintext that must not be found "
OWN = "x-amz-server-side-encryption-customer-"


class Vault:
    """A site with a bucket, two keys, and what asks it."""

    def __init__(self, site, folder, tls_port):
        self.site = site
        self.folder = folder
        self.tls_port = tls_port
        self.keys = [os.urandom(32), os.urandom(32)]
        self.key_files = []
        for i, key in enumerate(self.keys):
            path = site.work / f"key{i}"
            path.write_bytes(key)
            path.chmod(0o600)
            self.key_files.append(path)
        keys = site.keys()
        self.env = site.environment(**keys, AWS_MAX_ATTEMPTS="1",
                                    AWS_EC2_METADATA_DISABLED="true",
                                    AWS_PAGER="")
        self.boto3 = boto3.client(
            "s3", endpoint_url=site.endpoint,
            region_name=keys["AWS_DEFAULT_REGION"],
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])
        self.boto3.create_bucket(Bucket=BUCKET)

    def aws(self, *words):
        return run("aws", "--endpoint-url", self.site.endpoint, *words,
                   env=self.env)

    def sealed(self, i=0):
        return {"SSECustomerAlgorithm": "AES256",
                "SSECustomerKey": self.keys[i]}

    def from_sealed(self, i=0):
        return {"CopySourceSSECustomerAlgorithm": "AES256",
                "CopySourceSSECustomerKey": self.keys[i]}

    def aws_key(self, i=0):
        return ["--sse-c", "AES256", "--sse-c-key",
                f"fileb://{self.key_files[i]}"]


def marked_file(vault, name, size):
    path = vault.site.work / name
    text = MARK * (size // len(MARK) + 1)
    path.write_bytes(text[:size])
    return path


def expect_error(code, call, **params):
    try:
        call(**params)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"no {code}")


def aws_sends_and_fetches_an_upload_of_parts(vault):
    big = marked_file(vault, "big", BIG)
    back = vault.site.work / "back"
    url = f"s3://{BUCKET}/big"
    source = ["--sse-c-copy-source", "AES256", "--sse-c-copy-source-key",
              f"fileb://{vault.key_files[0]}"]

    vault.aws("s3", "cp", "--quiet", *vault.aws_key(), big, url)
    vault.aws("s3", "cp", "--quiet", *vault.aws_key(), url, back)
    assert_same(big, back)
    head = vault.boto3.head_object(Bucket=BUCKET, Key="big",
                                   **vault.sealed())
    assert head["ContentLength"] == BIG
    vault.aws("s3", "cp", "--quiet", *source, *vault.aws_key(1), url,
              url + "-copy")
    vault.aws("s3", "cp", "--quiet", *vault.aws_key(1), url + "-copy", back)
    assert_same(big, back)
    result = subprocess.run(
        ["aws", "--endpoint-url", vault.site.endpoint, "s3", "cp", url,
         str(back)], env=vault.env, check=False, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=60)
    assert result.returncode != 0, result.stdout


def boto3_reads_ranges_and_changes_the_key(vault):
    client = vault.boto3
    body = (MARK * 10000)[:300000]
    at = {"Bucket": BUCKET, "Key": "object"}

    put = client.put_object(Body=body, **at, **vault.sealed())
    assert put["SSECustomerAlgorithm"] == "AES256"
    assert put["ETag"] != f'"{hashlib.md5(body).hexdigest()}"'
    got = client.get_object(Range="bytes=65530-65545", **at, **vault.sealed())
    assert got["Body"].read() == body[65530:65546]
    client.copy_object(CopySource=f"{BUCKET}/object", **at,
                       **vault.from_sealed(0), **vault.sealed(1))
    assert client.get_object(**at, **vault.sealed(1))["Body"].read() == body
    expect_error("InvalidRequest", client.get_object, **at)
    expect_error("InvalidArgument", client.get_object, **at,
                 **vault.sealed(0))
    expect_error("400", client.head_object, **at)
    for entry in client.list_objects_v2(Bucket=BUCKET)["Contents"]:
        assert entry["Size"] in (300000, BIG), entry


def ask(method, url, headers, body=None):
    """The status, and the body."""
    request = urllib.request.Request(url, data=body, method=method,
                                     headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def presigned_urls_need_the_headers_that_were_signed(vault):
    key = vault.keys[0]
    headers = {
        OWN + "algorithm": "AES256",
        OWN + "key": base64.b64encode(key).decode(),
        OWN + "key-MD5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }
    urls = [vault.boto3.generate_presigned_url(
        call, Params={"Bucket": BUCKET, "Key": "presigned", **vault.sealed()})
            for call in ("put_object", "get_object")]

    assert ask("PUT", urls[0], {}, MARK)[0] == 403
    assert ask("PUT", urls[0], headers, MARK)[0] == 200
    assert ask("GET", urls[1], headers) == (200, MARK)
    status, body = ask("GET", urls[1], {})
    assert status == 403 and b"SignatureDoesNotMatch" in body, body
    other = dict(headers)
    other[OWN + "key"] = base64.b64encode(vault.keys[1]).decode()
    assert ask("GET", urls[1], other)[0] == 403


def post_form(vault, endpoint, name):
    """As a browser sends it: the status, and what it says."""
    key = vault.keys[0]
    fields = {
        OWN + "algorithm": "AES256",
        OWN + "key": base64.b64encode(key).decode(),
        OWN + "key-MD5": base64.b64encode(hashlib.md5(key).digest()).decode(),
    }
    signed = vault.boto3.generate_presigned_post(
        BUCKET, name, Fields=fields,
        Conditions=[{field: value} for field, value in fields.items()])
    file = marked_file(vault, "form", 100000)
    words = [word for field, value in signed["fields"].items()
             for word in ("-F", f"{field}={value}")]
    said = run("curl", "-sS", "--cacert", vault.folder / "tls.pem", *words,
               "-F", f"file=@{file}", "-w", "\n%{http_code}",
               f"{endpoint}/{BUCKET}")
    text, status = said.rsplit("\n", 1)
    return int(status), text


def a_form_seals_its_file_where_keys_may_come(vault):
    site = vault.site
    strict = f"127.0.0.1:{free_port()}"
    tls = f"127.0.0.1:{free_port()}"
    site.start("serve", "--listen", strict, "--tls-listen", tls, "--tls-cert",
               vault.folder / "tls.pem", "--tls-key", vault.folder / "tls.key")

    status, text = post_form(vault, f"http://{strict}", "refused")
    assert status == 400 and "<Code>InvalidRequest</Code>" in text, text
    assert "secure connection" in text.lower(), text
    expect_error("404", vault.boto3.head_object, Bucket=BUCKET, Key="refused",
                 **vault.sealed())
    for name, endpoint in (("over-tls", f"https://{tls}"),
                           ("allowed", site.endpoint)):
        assert post_form(vault, endpoint, name)[0] == 204, name
        expect_error("InvalidRequest", vault.boto3.get_object, Bucket=BUCKET,
                     Key=name)
        got = vault.boto3.get_object(Bucket=BUCKET, Key=name,
                                     **vault.sealed())["Body"].read()
        assert got == (site.work / "form").read_bytes(), name


def rclone_copies_there_and_back(vault):
    """By TLS: rclone sends no key without."""
    site = vault.site
    keys = site.keys()
    config = site.work / "rclone-sse.conf"
    config.write_text("\n".join([
        "[vault]", "type = s3", "provider = Other",
        f"endpoint = https://127.0.0.1:{vault.tls_port}",
        f"access_key_id = {keys['AWS_ACCESS_KEY_ID']}",
        f"secret_access_key = {keys['AWS_SECRET_ACCESS_KEY']}",
        f"region = {keys['AWS_DEFAULT_REGION']}",
        "sse_customer_algorithm = AES256",
        "sse_customer_key_base64 = " +
        base64.b64encode(vault.keys[0]).decode(), ""]))
    small = marked_file(vault, "small", 70000)
    large = marked_file(vault, "large", LARGE)
    back = site.work / "back"

    for file in small, large:
        for words in ([file, f"vault:{BUCKET}/rclone/{file.name}"],
                      [f"vault:{BUCKET}/rclone/{file.name}", back]):
            run("rclone", "--config", config, "--ca-cert",
                vault.folder / "tls.pem", "--s3-upload-cutoff", "5M",
                "copyto", *words, env=site.environment())
        assert_same(file, back)
        back.unlink()


def a_mount_with_the_key_reads_and_writes(vault):
    site = vault.site
    mount = site.dir / "with-key"
    mount.mkdir()
    site.start("mount", mount, "--sse-c-key",
               f"{BUCKET}/private/={vault.key_files[0]}")
    there = mount / BUCKET
    large = site.work / "large"

    assert_same(large, there / "rclone/large")
    (there / "private").mkdir()
    with open(there / "private/note", "wb") as file:
        file.write(MARK)
    with open(there / "private/note", "ab") as file:
        file.write(b"and more")
    run("cp", large, there / "private/large")
    got = vault.boto3.get_object(Bucket=BUCKET, Key="private/note",
                                 **vault.sealed())
    assert got["Body"].read() == MARK + b"and more"
    back = site.work / "back"
    vault.aws("s3", "cp", "--quiet", *vault.aws_key(),
              f"s3://{BUCKET}/private/large", back)
    assert_same(large, back)
    # The other key's object, and a mount without keys.
    for path in there / "object", site.mount / BUCKET / "private/note":
        assert path.stat().st_size > 0
        try:
            path.read_bytes()
        except OSError as error:
            assert error.errno == errno.ENOKEY, error
        else:
            raise AssertionError(f"{path} was read")


def key_files_that_others_may_read_are_refused(vault):
    loose = vault.site.work / "loose"
    loose.write_bytes(vault.keys[0])
    loose.chmod(0o644)
    short = vault.site.work / "short"
    short.write_bytes(b"short")
    short.chmod(0o600)

    for word in (f"{BUCKET}={loose}", f"{BUCKET}={short}",
                 f"{BUCKET}={vault.site.work}/none", "nothing", "=x"):
        result = subprocess.run(
            [TARN, "mount", str(vault.site.mount), "--store",
             str(vault.site.store), "--sse-c-key", word], check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60)
        assert result.returncode not in (0, -11, -6), (word, result.stdout)
        assert vault.keys[0] not in result.stdout


def neither_key_nor_plaintext_is_on_the_disk(vault):
    wanted = [MARK[:20]]
    for key in vault.keys:
        wanted += [key, base64.b64encode(key), key.hex().encode()]
    files = [path for path in vault.site.store.rglob("*") if path.is_file()]
    files += vault.site.dir.glob("*.log")

    assert len(files) > 5
    for path in files:
        with open(path, "rb") as file:
            rest = b""
            while piece := file.read(1 << 24):
                for text in wanted:
                    assert text not in rest + piece, (path, text[:20])
                rest = piece[-64:]


def make_certificate(folder):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=e2e",
        "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", folder / "tls.key", "-out", folder / "tls.pem")


def run_all(folder):
    port = free_port()
    make_certificate(folder)
    site = Site(serve_options=[
        "--sse-c-without-tls", "--log-level", "debug",
        "--tls-listen", f"127.0.0.1:{port}", "--tls-cert",
        folder / "tls.pem", "--tls-key", folder / "tls.key"])
    counts = Counts()
    vault = Vault(site, folder, port)
    tests = [aws_sends_and_fetches_an_upload_of_parts,
             boto3_reads_ranges_and_changes_the_key,
             presigned_urls_need_the_headers_that_were_signed,
             a_form_seals_its_file_where_keys_may_come,
             rclone_copies_there_and_back,
             a_mount_with_the_key_reads_and_writes,
             key_files_that_others_may_read_are_refused,
             neither_key_nor_plaintext_is_on_the_disk]
    for test in tests:
        if "mount" in test.__name__ and not site.is_mounted:
            counts.skip(test.__name__, "there can be no mount here")
            continue
        counts.run(test.__name__, test, vault)
    counts.run("the processes end well", site.close)
    counts.finish()


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sse-c-"))
    try:
        run_all(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
