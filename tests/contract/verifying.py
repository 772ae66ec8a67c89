"""Runs verify.py of docs/VERIFYING.md on what a server has signed, and makes tokens of a key of its own that must fail.

Arguments: a JSON file with `keys`, `tokens` ([token, typ]) and `answers`; the file to write the made-up cases to.
"""

import base64, json, sys, time
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from verify import verify_answer, verify_token


def refuses(check, *arguments):
    try:
        check(*arguments)
    except Exception:
        return
    sys.exit(f"taken: {arguments[:2]}")


with open(sys.argv[1]) as file:
    given = json.load(file)
private = Ed25519PrivateKey.generate()
x = base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).rstrip(b"=").decode()
own = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "own", "x": x}]}
now = int(time.time())
made = []
for token, typ in given["tokens"]:
    claims = verify_token(token, typ, given["keys"])
    refuses(verify_token, token, "other+jwt", given["keys"])
    refuses(verify_token, token, typ, own)
    head, body, signature = token.split(".")
    refuses(verify_token, ".".join([head, body[:-2] + ("AA" if body[-2:] != "AA" else "BB"), signature]), typ, given["keys"])
    # Each time: as it is, expired, slightly early, far too early.
    for change, holds in [({}, True), ({"exp": now - 1}, False), ({"iat": now + 120}, True), ({"iat": now + 3600}, False)]:
        changed = jwt.encode({**claims, **change}, private, algorithm="EdDSA", headers={"typ": typ, "kid": "own"})
        made.append([changed, typ, holds])
for token, typ, holds in made:
    verify_token(token, typ, own) if holds else refuses(verify_token, token, typ, own)
for answer in given["answers"]:
    known = [answer["method"], answer["url"], answer["nonce"], answer["status"], answer["headers"]]
    body = base64.b64decode(answer["body"])
    verify_answer(*known, body, given["keys"])
    refuses(verify_answer, *known, body + b" ", given["keys"])
    refuses(verify_answer, *known[:2], "another nonce", *known[3:], body, given["keys"])
    refuses(verify_answer, *known[:3], answer["status"] + 1, known[4], body, given["keys"])
with open(sys.argv[2], "w") as file:
    json.dump({"keys": own, "made": made}, file)
print(len(given["tokens"]), len(made), len(given["answers"]))
