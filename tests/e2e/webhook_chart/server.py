"""A webhook whose certificate is in a PKCS #12 keystore: it refuses what is called `bad`."""

# The libraries are the image's, not the project's.
# pyright: basic, reportMissingImports=false

import json
import os
import ssl
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12


class Webhook(BaseHTTPRequestHandler):
    """Answers AdmissionReviews."""

    def do_POST(self) -> None:
        """Refuses by name."""
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        allowed = review["request"]["name"] != "bad"
        answer = {"uid": review["request"]["uid"], "allowed": allowed, "status": {"message": "called bad"}}
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Ends with an error when the password opens no keystore."""
    keystore = Path(os.environ["WEBHOOK_KEYSTORE_FILE"]).read_bytes()
    password = os.environ["WEBHOOK_KEYSTORE_PASSWORD"].encode()
    key, certificate, _ = pkcs12.load_key_and_certificates(keystore, password)
    assert key is not None
    assert certificate is not None
    pem = Path("/tmp/webhook.pem")
    pem.touch(mode=0o600)
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = HTTPServer(("", 9443), Webhook)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
