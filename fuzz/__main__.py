"""Fuzzes the webhooks' parsers for a time, led by what the bytes reach: ``python -m fuzz --seconds 600``.

What is found lies in ``var/fuzz`` afterwards, as the bytes that did it: mend it, and add them to ``fuzz/corpus``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib import parse

import atheris

with atheris.instrument_imports(include=["bot.web.posted_form", "bot.phone", "gateway_adapters"]):
    from fuzz.target import try_bytes

_HERE = Path(__file__).parent
_FOUND = Path("var/fuzz")
#: The parts of the library that read a form for us.
_LIBRARY = (parse.parse_qsl, parse.unquote, parse.unquote_to_bytes, parse.parse_qs)


def _one(told: bytes) -> None:
    try_bytes(told)


def main() -> None:
    """Does not return: the fuzzer ends the process, with 0 if nothing was found."""
    asked = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz the webhooks' parsers.")
    asked.add_argument("--seconds", type=int, default=600)
    seconds = asked.parse_args().seconds
    corpus = _FOUND / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for function in _LIBRARY:
        setattr(parse, function.__name__, atheris.instrument_func(function))
    arguments = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=10",
        "-print_final_stats=1",
        f"-artifact_prefix={_FOUND}/",
        f"-dict={_HERE / 'words.dict'}",
        str(corpus),
        str(_HERE / "corpus"),
    ]
    atheris.Setup([sys.argv[0], *arguments], _one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
