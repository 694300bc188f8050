"""A judge behind https://: latentlink against a real TLS server (Python's own `ssl`) with a certificate of our own authority.

    pip install cryptography
    cargo build --release --features https
    python tests/reference/endpoint_tls.py

Three servers on this machine answer chat completions with a digit. The first has a certificate for 127.0.0.1 that the machine trusts (SSL_CERT_FILE
names the authority's): a study must get all of its answers. To a machine that does not know the authority the same server must be nobody's, and so
must one whose certificate is for another name, or has run out; no question, no picture and no key may reach them.
"""

import csv
import datetime
import hashlib
import ipaddress
import json
import os
import ssl
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/release/latentlink"
SCENARIO = """
[models]
diffusion = '{pack}'
execution_provider = "cpu"
[study]
name = "tls"
[diffusion]
steps = 4
metrics_against = []
[judge]
kind = "endpoint"
base_url = "https://127.0.0.1:{port}/v1"
model = "digits"
readout = "greedy"
api_key_env = "TLS_TEST_KEY"
panel = ["GA1", "GA2"]
write_answers = true
[[device]]
name = "one"
prompt = "a dog"
[[device]]
name = "two"
prompt = "a cat"
[policy]
t0 = 1
tk = 3
"""


def certificate(common_name: str, signer=None, address: str | None = None, days: int = 30):
    """A key and its certificate, signed by `signer` or, an authority's, by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    signing_key, issuer = (key, name) if signer is None else (signer[0], signer[1].subject)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=60)).not_valid_after(now + datetime.timedelta(days=days))
    builder = builder.add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
    if signer is not None:
        host = x509.IPAddress(ipaddress.ip_address(address)) if address else x509.DNSName(common_name)
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return key, builder.sign(signing_key, hashes.SHA256())


def written(folder: Path, name: str, pair) -> tuple[Path, Path]:
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key.write_bytes(pair[0].private_bytes(*form))
    cert.write_bytes(pair[1].public_bytes(serialization.Encoding.PEM))
    return key, cert


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body: dict):
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.server.asked.append(self.path)
        self.answer({"data": [{"id": "digits"}]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        assert self.headers["authorization"] == "Bearer secret"
        self.server.asked.append(self.path)
        digit = hashlib.sha256(body).digest()[0] % 10
        self.answer({"choices": [{"index": 0, "message": {"role": "assistant", "content": f"0.{digit}"}, "finish_reason": "stop"}]})

    def log_message(self, *_):
        pass


def served(folder: Path, name: str, pair) -> ThreadingHTTPServer:
    key, cert = written(folder, name, pair)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run(folder: Path, name: str, server: ThreadingHTTPServer, authority: Path | None) -> subprocess.CompletedProcess:
    scenario = folder / f"{name}.toml"
    scenario.write_text(SCENARIO.format(port=server.server_port, pack=ROOT / "models/emoji-ldm"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SSL_CERT")} | {"TLS_TEST_KEY": "secret"}
    if authority:
        environment["SSL_CERT_FILE"] = str(authority)
    command = [PROGRAM, "run", scenario, "--out", folder / name, "--store", folder / f"{name}.redb"]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        authority = certificate("latentlink's test authority")
        _, trusted = written(folder, "authority", authority)
        good = served(folder, "good", certificate("here", authority, "127.0.0.1"))
        other_name = served(folder, "other-name", certificate("elsewhere.example", authority))
        run_out = served(folder, "run-out", certificate("here", authority, "127.0.0.1", days=-1))

        ran = run(folder, "trusted", good, trusted)
        assert ran.returncode == 0, ran.stderr
        answers = list(csv.DictReader((folder / "trusted/answers.csv").open()))
        assert answers and all(answer["text"].startswith("0.") for answer in answers), answers
        posts = good.asked.count("/v1/chat/completions")
        print(f"a certificate that is trusted: {len(answers)} answers of {posts} requests")
        good.asked.clear()
        (folder / "empty.pem").write_text("")
        for name, server, known, word in [
            ("none-at-all", good, folder / "empty.pem", "No CA certificates"), ("unknown", good, None, "UnknownIssuer"), ("other-name", other_name, trusted, "name"), ("run-out", run_out, trusted, "xpired"),
        ]:
            ran = run(folder, name, server, known)
            assert ran.returncode != 0 and "is not accepted" in ran.stderr and word in ran.stderr, f"{name}: {ran.returncode}\n{ran.stderr}"
            assert server.asked == [], server.asked
            print(f"{name}: exit code {ran.returncode}\n{ran.stderr}")


if __name__ == "__main__":
    main()
