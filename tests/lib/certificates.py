# SPDX-License-Identifier: Apache-2.0
"""Throw-away certificate authorities and certificates (P-256) for tests. Nothing here is fit for production."""
import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID


def _name(text):
    if isinstance(text, x509.Name):
        return text
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _builder(subject, issuer, public_key, days):
    now = datetime.datetime.utcnow()
    start = now - datetime.timedelta(days=abs(days) + 1 if days < 0 else 1)
    return (x509.CertificateBuilder()
            .subject_name(_name(subject)).issuer_name(issuer)
            .public_key(public_key).serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(now + datetime.timedelta(days=days)))


def _write(directory, stem, chain, key):
    cert_path = os.path.join(str(directory), stem + ".crt")
    key_path = os.path.join(str(directory), stem + ".key")
    with open(cert_path, "wb") as f:
        f.write(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))
    with open(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
        f.write(_pem_key(key))
    return cert_path, key_path


def _locations(url):
    """The extensions by which a certificate points elsewhere: to its issuer, to a responder, to a list of the revoked."""
    where = x509.UniformResourceIdentifier(url)
    access = [x509.AccessDescription(method, where) for method in
              (AuthorityInformationAccessOID.OCSP, AuthorityInformationAccessOID.CA_ISSUERS)]
    point = x509.DistributionPoint(full_name=[where], relative_name=None, reasons=None, crl_issuer=None)
    return [x509.AuthorityInformationAccess(access), x509.CRLDistributionPoints([point]), x509.FreshestCRL([point])]


class Authority:
    """A certificate authority that issues certificates into a directory."""

    def __init__(self, name="gateward test CA", parent=None):
        """parent: the authority that signs this one; then its certificate goes along with what it issues."""
        self.revoked = []
        self.parent = parent
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = (
            _builder(name, _name(name) if parent is None else parent.certificate.subject, self.key.public_key(), 30)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
            .sign(self.key if parent is None else parent.key, hashes.SHA256()))

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, directory, stem="server", names=("localhost",), addresses=("127.0.0.1", "::1"),
              days=7, client=False, responder=None, points_to=None):
        """Writes <stem>.crt and <stem>.key (0600) and returns their paths. Negative days: already expired. responder: the
        URL of an OCSP responder; then this authority's certificate stands behind the one issued. points_to: a URL that
        stands wherever a certificate can name one."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [x509.DNSName(n) for n in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = (
            _builder(names[0] if names else stem, self.certificate.subject, key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False))
        for extension in _locations(points_to) if points_to else []:
            builder = builder.add_extension(extension, critical=False)
        if responder is None:
            return _write(directory, stem, [builder.sign(self.key, hashes.SHA256())], key)
        builder = builder.add_extension(x509.AuthorityInformationAccess([x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder))]), False)
        return _write(directory, stem, [builder.sign(self.key, hashes.SHA256()), self.certificate], key)

    def chain(self):
        """The certificates that a client must send along: this authority's, and those above it but the root."""
        return [] if self.parent is None else [self.certificate] + self.parent.chain()

    def client(self, directory, stem="client", subject="app-1", san=(), days=7, usage=ExtendedKeyUsageOID.CLIENT_AUTH,
               raw_san=None, with_issuer=False, points_to=None):
        """A client's certificate: subject is a common name or an x509.Name, san x509.GeneralNames, usage None: without
        extended key usage, raw_san: the extension's bytes as they are, points_to: a URL for the extensions that name one.
        Returns the paths and the certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self.certificate.subject, key.public_key(), days)
        if san:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(san)), critical=False)
        if raw_san is not None:
            builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), raw_san), False)
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        for extension in _locations(points_to) if points_to else []:
            builder = builder.add_extension(extension, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        certificate = builder.sign(self.key, hashes.SHA256())
        chain = [certificate] + (self.chain() or ([self.certificate] if with_issuer else []))
        return _write(directory, stem, chain, key) + (certificate,)

    def revoke(self, certificate):
        self.revoked.append(certificate.serial_number)

    def crl(self, days=7):
        """The list of what was revoked, as PEM. Negative days: out of date."""
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
                   .last_update(now - datetime.timedelta(days=abs(days) + 1))
                   .next_update(now + datetime.timedelta(days=days)))
        for serial in self.revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
