"""Runs the stub gateway: ``python -m bench.stub_gateway --log FILE``, then ``AT_API_URL`` and ``TWILIO_API_URL`` to it.

It prints its address, and runs until SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from dataclasses import fields
from pathlib import Path

from bench.stub_gateway.behaviour import Behaviour
from bench.stub_gateway.message_log import MessageLog
from bench.stub_gateway.server import Stub, serve


def main() -> None:
    """Serve as told on the command line."""
    arguments = argparse.ArgumentParser(prog="python -m bench.stub_gateway", description=Behaviour.__doc__)
    arguments.add_argument("--host", default="127.0.0.1", help="this machine alone by default")
    arguments.add_argument("--port", type=int, default=0, help="any free one by default")
    arguments.add_argument("--log", type=Path, help="a line for every message taken, appended")
    arguments.add_argument("--bodies", action="store_true", help="keep each text beside the log")
    arguments.add_argument("--receipts-to", default="", help="Africa's Talking's delivery reports go there")
    arguments.add_argument("--auth-token", default="", help="signs Twilio's status callbacks")
    for each in fields(Behaviour):
        arguments.add_argument(f"--{each.name.replace('_', '-')}", default="", metavar=str(each.default))
    told = arguments.parse_args()
    named = {each.name: value for each in fields(Behaviour) if (value := getattr(told, each.name))}
    try:
        behaviour = Behaviour().changed(named)
    except ValueError as error:
        arguments.error(str(error))
    stub = Stub(MessageLog(told.log, bodies=told.bodies), behaviour, told.receipts_to, told.auth_token)
    asyncio.run(_until_signal(stub, told.host, told.port))


async def _until_signal(stub: Stub, host: str, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await serve(stub, host, port, stopped)


if __name__ == "__main__":
    main()
