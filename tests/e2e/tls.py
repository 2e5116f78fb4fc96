#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The AWS command line and curl through TLS: by address, by a bucket's own
host name under a wildcard certificate, and across a change of certificates."""

import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from support import suite
from support.site import free_port, run

DOMAIN = "s3.localhost"
NAMES = f"DNS:localhost,IP:127.0.0.1,DNS:{DOMAIN},DNS:*.{DOMAIN}"
RELOAD_SECONDS = 30


def make_certificate(folder, name):
    """A key, and a certificate that clients can trust by itself."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", f"/CN={name}", "-addext", f"subjectAltName={NAMES}",
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")


class TlsAws:
    """aws against the TLS listener, by its address."""

    folder = pathlib.Path(tempfile.mkdtemp(prefix="tls-"))
    port = free_port()

    def __init__(self, site):
        self.bundle = self.folder / "old.pem"
        self.config = site.config("aws")
        self.env = site.environment(AWS_CONFIG_FILE=self.config,
                                    AWS_EC2_METADATA_DISABLED="true",
                                    AWS_PAGER="")

    def aws(self, *words, endpoint="https://127.0.0.1"):
        return run("aws", "--ca-bundle", self.bundle, "--endpoint-url",
                   f"{endpoint}:{self.port}", *words, env=self.env)

    def make_bucket(self, bucket):
        self.aws("s3", "mb", f"s3://{bucket}")

    def remove_bucket(self, bucket):
        self.aws("s3", "rb", "--force", f"s3://{bucket}")

    def put(self, file, bucket, key):
        self.aws("s3", "cp", "--quiet", file, f"s3://{bucket}/{key}")

    def get(self, bucket, key, file):
        self.aws("s3", "cp", "--quiet", f"s3://{bucket}/{key}", file)

    def keys(self, bucket, prefix):
        text = self.aws("s3api", "list-objects-v2", "--bucket", bucket,
                        "--prefix", prefix, "--output", "text",
                        "--query", "Contents[].[Key]")
        return [line for line in text.splitlines() if line != "None"]

    def copy(self, bucket, key, to):
        self.aws("s3", "cp", "--quiet", f"s3://{bucket}/{key}",
                 f"s3://{bucket}/{to}")

    def delete(self, bucket, key):
        self.aws("s3", "rm", "--quiet", f"s3://{bucket}/{key}")


def fails(*command):
    result = subprocess.run([str(word) for word in command], check=False,
                            stdin=subprocess.DEVNULL, timeout=60,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.returncode != 0


def serves_a_bucket_under_its_own_name(site, client):
    run("aws", "configure", "set", "s3.addressing_style", "virtual",
        env=client.env)
    url = client.aws("s3", "presign", f"s3://{suite.BUCKET}/plain",
                     endpoint=f"https://{DOMAIN}").strip()

    assert url.startswith(f"https://{suite.BUCKET}.{DOMAIN}:{client.port}/")
    for version in "1.2", "1.3":
        run("curl", "-sSf", "--cacert", client.bundle, "--tlsv" + version,
            "--tls-max", version, "-o", site.work / "curled", url)
        suite.assert_same(site.work / "other", site.work / "curled")
    # One label, and no more, stands for the asterisk.
    assert fails("curl", "-sSf", "--cacert", client.bundle,
                 url.replace("//", "//a.b."))
    run("aws", "configure", "set", "s3.addressing_style", "path",
        env=client.env)


def tells_plain_http_where_it_has_come_to(site, client):
    del site
    text = run("curl", "-sSi", f"http://127.0.0.1:{client.port}/")

    assert text.startswith("HTTP/1.1 400 "), text
    assert "<Message>this port speaks HTTPS" in text, text


def refuses_what_is_older_than_tls_1_2(site, client):
    del site
    for version in "1.0", "1.1":
        assert fails("curl", "-sS", "--cacert", client.bundle,
                     "--ciphers", "DEFAULT@SECLEVEL=0", "--tls-max", version,
                     f"https://127.0.0.1:{client.port}/")


def shuts_out_an_old_tls_by_a_policy(site, client):
    del site
    url = f"https://127.0.0.1:{client.port}/{suite.BUCKET}/plain"
    ask = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert",
           client.bundle]
    signed = client.aws("s3", "presign", f"s3://{suite.BUCKET}/plain").strip()
    assert signed.startswith(url), signed
    policy = {"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{suite.BUCKET}/*",
        "Condition": {"NumericLessThan": {"s3:TlsVersion": 1.3}}}}
    client.aws("s3api", "put-bucket-policy", "--bucket", suite.BUCKET,
               "--policy", json.dumps(policy))

    assert run(*ask, "--tls-max", "1.2", signed) == "403"
    assert run(*ask, "--tlsv1.3", signed) == "200"

    client.aws("s3api", "delete-bucket-policy", "--bucket", suite.BUCKET)


def says_where_a_finished_upload_lies(site, client):
    del site
    at = ["--bucket", suite.BUCKET, "--key", "assembled"]
    upload = client.aws("s3api", "create-multipart-upload", *at, "--query",
                        "UploadId", "--output", "text").strip()
    at += ["--upload-id", upload]
    tag = client.aws("s3api", "upload-part", *at, "--part-number", "1",
                     "--query", "ETag", "--output", "text").strip()
    parts = "Parts=[{PartNumber=1,ETag=%s}]" % tag.replace('"', "")

    place = client.aws("s3api", "complete-multipart-upload", *at,
                       "--multipart-upload", parts, "--query", "Location",
                       "--output", "text").strip()

    assert place.startswith("https://"), place
    client.delete(suite.BUCKET, "assembled")


def reloads_certificates(site, client):
    folder = client.folder
    new = folder / "new.pem"
    url = f"https://127.0.0.1:{client.port}/"
    ask = ["curl", "-sS", "-o", "/dev/null", "--cacert"]
    make_certificate(folder, "new")
    serve = next(p for p in site.processes if p.args[1] == "serve")
    log = site.dir / "serve.log"

    def hang_up_until(sentence):
        before = log.read_text().count(sentence)
        serve.send_signal(signal.SIGHUP)
        end = time.monotonic() + RELOAD_SECONDS
        while log.read_text().count(sentence) == before:
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.01)

    assert fails(*ask, new, url)
    (folder / "live.pem").write_text("nonsense")
    hang_up_until("the certificates are as before")
    run(*ask, client.bundle, url)
    shutil.copy(new, folder / "live.pem")
    shutil.copy(folder / "new.key", folder / "live.key")
    hang_up_until("the certificates were read anew")
    run(*ask, new, url)
    assert fails(*ask, client.bundle, url)

    assert "PRIVATE KEY" not in log.read_text()
    client.bundle = new


def main():
    folder = TlsAws.folder
    make_certificate(folder, "old")
    shutil.copy(folder / "old.pem", folder / "live.pem")
    shutil.copy(folder / "old.key", folder / "live.key")
    try:
        suite.main(TlsAws, [
            serves_a_bucket_under_its_own_name,
            tells_plain_http_where_it_has_come_to,
            refuses_what_is_older_than_tls_1_2,
            shuts_out_an_old_tls_by_a_policy,
            says_where_a_finished_upload_lies,
            reloads_certificates,
        ], serve_options=[
            "--domain", DOMAIN, "--tls-listen", f"127.0.0.1:{TlsAws.port}",
            "--tls-cert", folder / "live.pem",
            "--tls-key", folder / "live.key"])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
