#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the conformance cases and prints a table: one line a case, OK or FAILED.

    /usr/bin/python3 tests/conformance/run.py                 own gateward (GATEWARD_BIN or build-asan), ws and wss
    /usr/bin/python3 tests/conformance/run.py --url ws://127.0.0.1:9001/echo     any server that echoes
    ... [--long] [--only 6.4 --only 12] [--ca FILE | --insecure] [--failed-only]
"""
import argparse
import os
import ssl
import sys
import tempfile
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

from case_list import all_cases  # noqa: E402
from ws_peer import Target  # noqa: E402


def target_of_url(options):
    url = urllib.parse.urlsplit(options.url)
    if url.scheme not in ("ws", "wss") or not url.hostname:
        raise SystemExit("--url wants ws://HOST[:PORT]/PATH or wss://...")
    port = url.port or (443 if url.scheme == "wss" else 80)
    context = None
    if url.scheme == "wss":
        context = ssl.create_default_context(cafile=options.ca)
        if options.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return Target(url.hostname, port, url.path or "/", context, authority=url.netloc, patience=options.patience)


def is_wanted(case, options):
    if options.only:
        return any((case.number + ".").startswith(o.rstrip(".") + ".") for o in options.only)
    return options.long or not case.is_long


def run(cases, target, options):
    """(how many were OK, failed numbers)."""
    name = "wss" if target.tls else "ws"
    failed = []
    for case in cases:
        fault, seconds = case.verdict(target)
        if fault is not None:
            failed.append("%s %s" % (name, case.number))
        if fault is not None or not options.failed_only:
            print("%-4s %-9s %-7s %7.2f s  %s%s" % (name, case.number, "FAILED" if fault else "OK", seconds,
                                                    case.title[:90], "\n%14s%s" % ("", fault) if fault else ""), flush=True)
    return len(cases) - len(failed), failed


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", help="a server that echoes text and binary up to 16 MiB; default: a gateward of our own")
    parser.add_argument("--long", action="store_true", help="all cases; without it those that are quick")
    parser.add_argument("--only", action="append", metavar="NUMBER", help="a case or group, such as 6.4; may be repeated")
    parser.add_argument("--ca", metavar="FILE", help="who signed the certificate of a wss:// server")
    parser.add_argument("--insecure", action="store_true", help="do not check the certificate")
    parser.add_argument("--patience", type=float, default=1.0, help="factor on all time limits")
    parser.add_argument("--failed-only", action="store_true", help="print no line for what is OK")
    return parser.parse_args()


def main():
    options = parse()
    cases = [c for c in all_cases() if is_wanted(c, options)]
    started = time.monotonic()
    if options.url:
        good, failed = run(cases, target_of_url(options), options)
    else:
        from echo_server import EchoServer
        good, failed = 0, []
        with tempfile.TemporaryDirectory() as folder, EchoServer(folder) as server:
            for target in server.targets(options.patience):
                count, faults = run(cases, target, options)
                good, failed = good + count, failed + faults
    print("\n%d OK, %d FAILED in %.0f s%s" % (good, len(failed), time.monotonic() - started,
                                              ": " + ", ".join(failed) if failed else ""))
    return 1 if failed or not good else 0


if __name__ == "__main__":
    sys.exit(main())
