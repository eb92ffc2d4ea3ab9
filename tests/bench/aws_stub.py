"""A local AWS endpoint for measurements: answers a handful of operations at once, over TLS, and keeps no state.

The local AWS of this repository answers truly, but takes longer for an answer than a handler for its work. Run as
`python -m tests.bench.aws_stub <folder>`: it writes `ca.pem` there (the public authorities and its own) and prints its address.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import botocore.httpsession
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bench.lambda_runtime import Server

_CLUSTER = """<DescribeClustersResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><DescribeClustersResult><Clusters><Cluster>
<ClusterIdentifier>analytics</ClusterIdentifier><NodeType>ra3.large</NodeType><ClusterStatus>available</ClusterStatus>
<MasterUsername>awsuser</MasterUsername><DBName>dev</DBName><NumberOfNodes>2</NumberOfNodes>
<PubliclyAccessible>false</PubliclyAccessible>
<ClusterNamespaceArn>arn:aws:redshift:us-east-1:000000000000:namespace:0f1e2d3c-analytics</ClusterNamespaceArn>
</Cluster></Clusters></DescribeClustersResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeClustersResponse>"""
_ANSWERS: dict[str, dict[str, Any]] = {
    "DynamoDB_20120810.PutItem": {},
    "AWSStepFunctions.DescribeExecution": {
        "executionArn": "arn:aws:states:us-east-1:000000000000:execution:any:sample",
        "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:any",
        "status": "RUNNING",
        "startDate": 1_700_000_000,
    },
    "RedshiftData.ExecuteStatement": {"Id": "d9b6c0c9-0747-4bf4-b142-e8883122f766"},
    "RedshiftData.DescribeStatement": {"Id": "d9b6c0c9-0747-4bf4-b142-e8883122f766", "Status": "STARTED"},
}


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave as two writes: without this the second waits for the first one's acknowledgement.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target")
        if target:
            known = target in _ANSWERS
            kind, text = "application/x-amz-json-1.0", json.dumps(_ANSWERS.get(target, {"__type": "NotMeasured"}))
        else:
            known = parse_qs(body.decode()).get("Action") == ["DescribeClusters"]
            kind, text = "text/xml", _CLUSTER
        self.send_response(200 if known else 400)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


def _certificate(folder: Path) -> Path:
    """A new certificate for 127.0.0.1 with its key; who reads `ca.pem` trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a measurement")])
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # As large as what a client of AWS reads: reading it is part of what each connection costs.
    public = Path(botocore.httpsession.where()).read_bytes()
    (folder / "ca.pem").write_bytes(public + b"\n" + certificate)
    (folder / "stub.pem").write_bytes(certificate + secret)
    return folder / "stub.pem"


def main(folder: Path) -> None:
    """Answer until standard input closes."""
    server = Server(("127.0.0.1", 0), _Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"https://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
