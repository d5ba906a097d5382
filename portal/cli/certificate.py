"""Knows how to make a certificate for this machine, so that phones on its network give location over HTTPS."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from portal import clock

# A leaf that lives longer is refused by phones even where its authority is trusted.
LEAF_DAYS, AUTHORITY_DAYS, RENEW_DAYS = 397, 3650, 30
FAR_ADDRESS = ("203.0.113.1", 9)  # a documentation address: asking for the way there sends nothing


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a certificate: the server's own two, and the authority that a phone must be told to trust."""

    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def local_certificate(folder: Path, host: str) -> Certificate:
    """The certificate of this machine under `folder`: made on first use, and again when it ends or its names change.

    The authority stays the same, so that a phone that trusts it once goes on trusting. Its key never leaves
    the folder (0700) and signs nothing but this machine's names.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Certificate(folder / "certificate.pem", folder / "key.pem", folder / "authority.crt")
    names = sorted(machine_names(host))
    if _is_good(files, names):
        return files
    authority = _authority(files.authority, folder / "authority.key")
    leaf = _leaf(authority, names)
    _write(files.key, _key_bytes(leaf.key))
    _write(files.certificate, _bytes(leaf.certificate) + _bytes(authority.certificate))
    return files


def machine_names(host: str) -> Iterator[str]:
    """What this machine may be called in an address: its names, and its addresses in the networks it is in."""
    yield from {"localhost", "127.0.0.1", "::1", socket.gethostname(), f"{socket.gethostname()}.local"}
    if host not in {"", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"}:  # noqa: S104
        yield host
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(FAR_ADDRESS)
        yield str(probe.getsockname()[0])


def _is_good(files: Certificate, names: list[str]) -> bool:
    with contextlib.suppress(OSError, ValueError):
        found = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        known = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        is_lasting = found.not_valid_after_utc > clock.now() + timedelta(days=RENEW_DAYS)
        return (
            is_lasting and known == _alternatives(names) and files.key.exists() and files.authority.exists()
        )
    return False


def _authority(path: Path, key_path: Path) -> _Pair:
    """The authority that was made before, where it still lasts; else a new one."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        found = x509.load_pem_x509_certificate(path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), None)
        lasting = found.not_valid_after_utc > clock.now() + timedelta(days=LEAF_DAYS + RENEW_DAYS)
        if lasting and isinstance(key, ec.EllipticCurvePrivateKey):
            return _Pair(found, key)
    made = _new_authority()
    _write(key_path, _key_bytes(made.key))
    _write(path, _bytes(made.certificate))
    return made


def _new_authority() -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Wenlu on {socket.gethostname()}")
    builder = _builder(name, name, key, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return _Pair(builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256()), key)


def _leaf(authority: _Pair, names: list[str]) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name("Wenlu"), authority.certificate.subject, key, LEAF_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(_alternatives(names), critical=False)
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(purposes, critical=False).add_extension(issuer, critical=False)
    return _Pair(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now: datetime = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # a phone's clock may be behind
        .not_valid_after(now + timedelta(days=days))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _alternatives(names: list[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general_name(each) for each in names])


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Never half written, and never readable by others for a moment."""
    half = path.with_suffix(".half")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
    half.replace(path)
