"""In a network of its own, nginx as infra/nginx/start.sh sets it up, with no node behind it: asks it from many addresses.

Prints the statuses of log-ins from fourteen addresses of one IPv6 network, of one from another network, and of a plain
request by IPv4 and by IPv6."""

import http.client
import os
import ssl
import subprocess
import sys
import time

start, folder = sys.argv[1:]


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def ask(host, port, source, method, path, tls):
    trusting = ssl._create_unverified_context()
    at = (source, 0) if source else None
    if tls:
        connection = http.client.HTTPSConnection(host, port, timeout=10, source_address=at, context=trusting)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=10, source_address=at)
    connection.request(method, path)
    return connection.getresponse().status


ip("link", "set", "lo", "up")
neighbors = [f"fd00:77::{number:x}:1" for number in range(1, 15)]
stranger = "fd00:78::1"
for address in neighbors + [stranger]:
    ip("-6", "address", "add", f"{address}/64", "dev", "lo", "nodad")
settings = {
    "NGINX": os.environ["NGINX"],
    "PATH": os.environ["PATH"],
    "NGINX_FOLDER": folder,
    "NGINX_HTTP": "8080",
    "NGINX_HTTPS": "8443",
    "NGINX_ACCESS_LOG": "off",
    "LICET_NODES": "127.0.0.1:1",
}
nginx = subprocess.Popen(["sh", start], env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(600):
        try:
            ask("::1", 8080, None, "GET", "/", False)
            break
        except OSError:
            time.sleep(0.1)
    log_in = [ask("::1", 8443, address, "POST", "/api/auth/login", True) for address in neighbors]
    print(*log_in)
    print(ask("::1", 8443, stranger, "POST", "/api/auth/login", True))
    print(ask("127.0.0.1", 8080, None, "GET", "/", False), ask("::1", 8080, None, "GET", "/", False))
finally:
    nginx.terminate()
    nginx.wait()
