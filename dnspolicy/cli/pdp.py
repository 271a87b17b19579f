"""`dnspolicy pdp`: decide for other servers until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import uvloop

from dnspolicy.app.parts import Parts
from dnspolicy.app.plan import Plan
from dnspolicy.chain.clock import SystemClock
from dnspolicy.chain.http import Address, parse_address
from dnspolicy.cli.configured import add_conf, plan_of
from dnspolicy.cli.output import Lines, Output, outputs
from dnspolicy.cli.serve import GC_THRESHOLD
from dnspolicy.policy.settings.grpc import is_target

LISTEN = "127.0.0.1:9191"
LARGEST = 1 << 30


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "pdp",
        help="serve the policy of a Corefile to other servers over gRPC",
        description="Serve the engine of the policy block of a Corefile as a decision point over gRPC, until SIGTERM "
        "or SIGINT. Nothing else of the Corefile is used.",
    )
    add_conf(parser)
    add = parser.add_argument
    add("--listen", type=_listen, action="append", metavar="ADDRESS",
        help=f"HOST:PORT or unix:PATH to listen on; repeatable (default: {LISTEN})")  # fmt: skip
    add(
        "--socket-mode", type=_mode, default="660", metavar="MODE", help="permissions of sockets (default: %(default)s)"
    )
    add("--http", type=_http, metavar="ADDRESS", help="HOST:PORT for /metrics, /health and /ready")
    add("--tls-cert", type=Path, metavar="FILE", help="certificate to show, read again when it changes")
    add("--tls-key", type=Path, metavar="FILE", help="its key")
    add("--tls-ca", type=Path, metavar="FILE", help="clients must show a certificate of one of these authorities")
    add("--no-reflection", action="store_true", help="do not describe the service to whoever asks")
    add("--max-message", type=_count, default=4 * 1024 * 1024, metavar="N",
        help="bytes of the longest request (default: %(default)s)")  # fmt: skip
    add("--max-streams", type=_count, default=1024, metavar="N", help="calls of one connection (default: %(default)s)")
    add("--max-calls", type=_count, default=4096, metavar="N", help="calls of all connections (default: %(default)s)")
    add("--max-batch", type=_count, default=1024, metavar="N", help="questions of one batch (default: %(default)s)")
    add("--drain", type=_seconds, default=5.0, metavar="SECONDS",
        help="how long what is under way may take at the end (default: %(default)s)")  # fmt: skip
    add("--quiet", action="store_true", help="say nothing at the start")
    return parser


def run(args: argparse.Namespace) -> int:
    """Decide; 0 after SIGTERM or SIGINT. Raises ConfigError when it cannot start."""
    if (args.tls_cert is None) is not (args.tls_key is None) or (args.tls_ca and not args.tls_cert):
        print("--tls-cert and --tls-key go together, and --tls-ca needs both", file=sys.stderr)
        return 2
    with outputs(sys.stdout.fileno(), sys.stderr.fileno()) as (out, err):
        logging.basicConfig(level=logging.INFO, format="[%(levelname)s] %(message)s", handlers=[Lines(err)])
        plan = plan_of(args)
        gc.set_threshold(*GC_THRESHOLD)
        uvloop.run(_decide(plan, args, out, err))
    return 0


async def _decide(plan: Plan, args: argparse.Namespace, out: Output, err: Output) -> None:
    from dnspolicy.app.pdp import Limits, Options, open_pdp  # gRPC takes 0.1 s to import, which no other command needs

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    options = Options(
        listen=tuple(args.listen or (LISTEN,)),
        http=args.http,
        socket_mode=args.socket_mode,
        certificate=args.tls_cert,
        key=args.tls_key,
        authority=args.tls_ca,
        reflection=not args.no_reflection,
        drain=args.drain,
        limits=Limits(args.max_message, args.max_streams, args.max_calls, args.max_batch),
    )
    pdp = open_pdp(plan, options, Parts(SystemClock(), out.write, err.say))
    await pdp.start()
    gc.collect()
    gc.freeze()
    if not args.quiet:
        for line in pdp.announcement():
            err.say(line)
    await stop.wait()
    await pdp.stop()


def _listen(text: str) -> str:
    if not is_target(text) and not (text.endswith(":0") and is_target(text[:-1] + "1")):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address; expected HOST:PORT or unix:PATH")
    return text


def _http(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _mode(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4) or set(text) & {"8", "9"} or int(text, 8) > 0o777:
        raise argparse.ArgumentTypeError(f"{text!r} is not a mode; expected octal digits, such as 660")
    return int(text, 8)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= LARGEST):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {LARGEST}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return value
