"""Certificates of the tests' own, made by openssl."""

import os
import subprocess

CA = """
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
[any]
commonName = supplied
[names]
subjectAltName = {names}
[authority]
basicConstraints = critical,CA:true
"""

OWN_NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificate(directory, name="localhost", key="ec", expired=False, names=OWN_NAMES, by=None, is_authority=False):
    """A certificate for these names, signed by itself or by an authority's certificate and key, and its key: the paths
    of two PEM files."""
    certificate, key_file = directory / f"{name}.pem", directory / f"{name}.key"
    kind = ["-newkey", "rsa:2048"] if key == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl(directory, "req", *kind, "-nodes", "-subj", f"/CN={name}", "-keyout", key_file, "-out", f"{name}.csr")
    (directory / "ca.cnf").write_text(CA.format(names=names))
    (directory / "index.txt").write_text("")
    (directory / "serial").write_text("01\n")
    signer = ["-selfsign", "-keyfile", key_file] if by is None else ["-cert", by[0], "-keyfile", by[1]]
    openssl(directory, "ca", "-batch", "-config", "ca.cnf", *signer, "-notext", "-extensions",
            "authority" if is_authority else "names", "-in", f"{name}.csr", "-out", certificate, "-startdate", "20200101000000Z",
            "-enddate", "20210101000000Z" if expired else "20991231235959Z")
    return certificate, key_file


def put_in_place(certificate, key, settings):
    """Take the place of the files that the settings name, at once, as a renewal does."""
    for new, old in ((certificate, settings["TLS_CERT"]), (key, settings["TLS_KEY"])):
        copy = f"{old}.new"
        with open(new, "rb") as source, open(copy, "wb") as target:
            target.write(source.read())
        os.replace(copy, old)
