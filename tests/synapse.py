"""A real Matrix homeserver for tests and benchmarks: Synapse on 127.0.0.1, SQLite in a folder; alone, or federating.

It knows how to start, stop, kill and restart one Synapse and how to make users there. It is free of asyncio on purpose:
one server serves many event loops. Call it through ``asyncio.to_thread`` where blocking matters.
"""

import hashlib
import hmac
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

SERVER_NAME = "kantter.test"
_UNLIMITED = {"per_second": 100_000, "burst_count": 100_000}
_SECRET = "only-for-tests"


def missing() -> str | None:
    """Why there can be no Synapse here, or None."""
    if importlib.util.find_spec("synapse") is None:
        return "matrix-synapse is not installed: pip install matrix-synapse"
    return None


def require() -> None:
    """Skip the test where Synapse is missing on a person's machine; fail it in CI."""
    reason = missing()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class SynapseFailed(Exception):
    """It did not start, or refused what a test needs of it; the end of its log is in the text."""


class Synapse:
    """One running homeserver. Make it with ``Synapse.start(folder)``; end it with ``stop``.

    ``federates``: it talks to others that do, by TLS at a port that its name tells, with a certificate of its own that
    nobody vouches for.
    """

    def __init__(self, folder: Path, port: int, *, federates: bool = False) -> None:
        self.folder = folder
        self.port = port
        self._away = free_port() if federates else 0
        self.server_name = f"127.0.0.1:{self._away}" if federates else SERVER_NAME
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, folder: Path, *, within: float = 60.0, federates: bool = False) -> "Synapse":
        """Write a config into ``folder`` and start; back as soon as it answers. Raises SynapseFailed."""
        folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(3):
            server = cls(folder, free_port(), federates=federates)
            server._configure()
            try:
                server.resume(within=within)
            except SynapseFailed:
                server.kill()
                if attempt == 2 or "Address already in use" not in server.log():
                    raise
            else:
                return server
        raise AssertionError("the last attempt returned or raised")

    def resume(self, *, within: float = 60.0) -> None:
        """Start again after ``stop`` or ``kill``, on the same port and database."""
        config = self.folder / "homeserver.yaml"
        with (self.folder / "synapse.out").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "synapse.app.homeserver", "-c", str(config)],
                cwd=self.folder,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + within
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SynapseFailed(f"Synapse did not start:\n{self.log()[-3000:]}")
            time.sleep(0.05)  # between two looks at the condition above, which has a deadline

    def stop(self) -> None:
        """End it in order, by its pid; after 10 seconds by force."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """What it wrote so far."""
        out = self.folder / "synapse.out"
        return out.read_text("utf-8", "replace") if out.exists() else ""

    def user_id(self, name: str) -> str:
        return f"@{name}:{self.server_name}"

    def register(self, name: str, password: str, *, admin: bool = False) -> str:
        """Make a user; gives the Matrix user id. Raises SynapseFailed, also when there is one of that name."""
        nonce = self.call("GET", "/_synapse/admin/v1/register")["nonce"]
        parts = (nonce, name, password, "admin" if admin else "notadmin")
        mac = hmac.new(_SECRET.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        answer: str = self.call("POST", "/_synapse/admin/v1/register", body)["user_id"]
        return answer

    def call(self, method: str, path: str, body: object = None, *, token: str | None = None) -> dict[str, Any]:
        """One plain request, for what a test needs of the server itself. Raises SynapseFailed on an error answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)  # our own loopback address
        request.add_header("Content-Type", "application/json")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # the same
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            raise SynapseFailed(f"{method} {path}: {error.code} {error.read().decode('utf-8', 'replace')}") from error
        return answer

    def _answers(self) -> bool:
        try:
            self.call("GET", "/_matrix/client/versions")
        except (OSError, SynapseFailed):
            return False
        return True

    def _configure(self) -> None:
        folder = self.folder
        log = {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain"}},
            "root": {"level": "WARNING", "handlers": ["out"]},
        }
        limits: dict[str, Any] = dict.fromkeys(
            (
                "rc_message",
                "rc_registration",
                "rc_registration_token_validity",
                "rc_admin_redaction",
                "rc_joins_per_room",
                "rc_3pid_validation",
                "rc_third_party_invite",
                "rc_key_requests",
                "rc_media_create",
                "rc_reports",
                "rc_room_creation",
            ),
            _UNLIMITED,
        )
        limits["rc_login"] = dict.fromkeys(("address", "account", "failed_attempts"), _UNLIMITED)
        limits["rc_joins"] = dict.fromkeys(("local", "remote"), _UNLIMITED)
        limits["rc_invites"] = dict.fromkeys(("per_room", "per_user", "per_issuer"), _UNLIMITED)
        config: dict[str, Any] = {
            "server_name": self.server_name,
            "public_baseurl": self.url + "/",
            "listeners": [
                {
                    "port": self.port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "resources": [{"names": ["client"], "compress": False}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
            "log_config": str(folder / "log.yaml"),
            "media_store_path": str(folder / "media"),
            "signing_key": "ed25519 a_test " + b64encode(secrets.token_bytes(32)).decode().rstrip("="),
            "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
            "registration_shared_secret": _SECRET,
            "enable_registration": False,
            "report_stats": False,
            "suppress_key_server_warning": True,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "presence": {"enabled": False},
            "bcrypt_rounds": 4,
            "push": {"enabled": False},
            "stats": {"enabled": False},
            "send_federation": bool(self._away),
            "update_user_directory": False,
            "notify_appservices": False,
            "caches": {"global_factor": 4.0},
            "url_preview_enabled": False,
            "user_directory": {"enabled": False},
            "enable_metrics": False,
            **limits,
        }
        if self._away:
            del config["federation_domain_whitelist"]
            config["listeners"].append(
                {
                    "port": self._away,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": True,
                    "resources": [{"names": ["federation"]}],
                }
            )
            config |= {
                "tls_certificate_path": str(folder / "cert.pem"),
                "tls_private_key_path": str(folder / "key.pem"),
                "federation_verify_certificates": False,
                "ip_range_blacklist": [],
                "rc_federation": {"concurrent": 100, "reject_limit": 10_000, "sleep_limit": 10_000},
            }
            _certify(folder)
        for name, value in (("homeserver.yaml", config), ("log.yaml", log)):
            (folder / name).write_text(json.dumps(value), "utf-8")  # JSON is YAML too


def _certify(folder: Path) -> None:
    """Write a key and a certificate for 127.0.0.1 that it has signed itself."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    kept = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(kept)
