#!/usr/bin/env bash
# Finding:  the two names of one signature algorithm keep JOSE libraries apart. RFC 9864 (2025) deprecates "EdDSA" for
#           "Ed25519"; joserfc follows it and warns at every use of the old name, PyJWT knows the old one alone. joserfc
#           allows neither by default, not even the one that it recommends.
# Versions: joserfc 1.8.0, PyJWT 2.15.1, cryptography 50.0.2 (2026)
# Guess:    a token with the recommended name is read by both; a library that recommends a name allows it by default.
# Seen:     joserfc EdDSA by default: refused
#           joserfc Ed25519 by default: refused
#           joserfc EdDSA when named: read, with a warning
#           joserfc Ed25519 when named: read
#           PyJWT Ed25519 when named: refused
#           PyJWT EdDSA when named: read
# So here:  tokens are signed as "EdDSA", which every library reads that knows the curve (docs/VERIFYING.md).
set -euo pipefail

command -v python3 >/dev/null || { echo "python3 cannot be had"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" 2>/dev/null || { echo "venv cannot be had"; exit 77; }
"$folder/venv/bin/pip" install --quiet joserfc==1.8.0 PyJWT==2.15.1 cryptography==50.0.2 2>"$folder/log" ||
    { cat "$folder/log"; echo "the packages cannot be had"; exit 77; }
cat > "$folder/finding.py" <<'PYTHON'
import warnings

import jwt as pyjwt
from joserfc import jwt
from joserfc.jwk import OKPKey

key = OKPKey.generate_key("Ed25519")


def token(algorithm):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jwt.encode({"alg": algorithm}, {"iss": "someone"}, key, algorithms=[algorithm])


def by_joserfc(algorithm, allowed):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            jwt.decode(token(algorithm), key, algorithms=allowed)
        except Exception:
            return "refused"
    return "read, with a warning" if said else "read"


def by_pyjwt(algorithm):
    public = pyjwt.PyJWK(key.as_dict(private=False) | {"alg": "EdDSA"}).key
    try:
        pyjwt.decode(token(algorithm), public, algorithms=[algorithm])
    except Exception:
        return "refused"
    return "read"


for name in ["EdDSA", "Ed25519"]:
    print(f"joserfc {name} by default: {by_joserfc(name, None)}")
for name in ["EdDSA", "Ed25519"]:
    print(f"joserfc {name} when named: {by_joserfc(name, [name])}")
for name in ["Ed25519", "EdDSA"]:
    print(f"PyJWT {name} when named: {by_pyjwt(name)}")
PYTHON
seen=$("$folder/venv/bin/python" "$folder/finding.py")
echo "$seen"
expected='joserfc EdDSA by default: refused
joserfc Ed25519 by default: refused
joserfc EdDSA when named: read, with a warning
joserfc Ed25519 when named: read
PyJWT Ed25519 when named: refused
PyJWT EdDSA when named: read'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }
