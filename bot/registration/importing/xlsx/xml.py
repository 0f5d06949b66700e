"""Reading XML as a stream, by names without their namespace prefixes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import IO, Final, NamedTuple, NoReturn
from xml.parsers.expat import ParserCreate, XMLParserType

_CHUNK: Final = 1 << 16
#: Elements and bytes of a small document; a workbook may have 65,490 cell styles, in some 10 million bytes.
_MOST_ELEMENTS: Final = 500_000
_LARGEST_SMALL: Final = 64 * 1024**2
#: Bytes of one tag, which the parser keeps until it has seen the end of it; those of a sheet have a hundred.
_LONGEST_TAG: Final = 4 * 1024**2


class Element(NamedTuple):
    """The start of an element: its name, that of the element around it, and its attributes."""

    name: str
    parent: str
    attributes: dict[str, str]


def new_parser() -> XMLParserType:
    """A parser that hands over text in one piece, and refuses document types: a workbook has none, a bomb does."""
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def feed(parser: XMLParserType, stream: IO[bytes], most: int | None = None) -> Iterator[None]:
    """Give ``stream`` to ``parser`` piece by piece, coming up between pieces.

    Raises ``ValueError`` for a tag without an end, and where there are more than ``most`` bytes.
    """
    fed = 0
    while chunk := stream.read(_CHUNK):
        parser.Parse(chunk, False)
        fed += len(chunk)
        if fed - parser.CurrentByteIndex > _LONGEST_TAG:
            raise ValueError("a tag that is too long")
        if most is not None and fed > most:
            raise ValueError("a document that is too large")
        yield
    parser.Parse(b"", True)
    yield


def elements(stream: IO[bytes]) -> list[Element]:
    """All elements of a small document, in their order."""
    found: list[Element] = []
    open_names = [""]

    def start(name: str, attributes: dict[str, str]) -> None:
        local = local_name(name)
        if len(found) == _MOST_ELEMENTS:
            raise ValueError("too many elements")
        found.append(Element(local, open_names[-1], {local_name(key): text for key, text in attributes.items()}))
        open_names.append(local)

    parser = new_parser()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_names.pop()
    for _ in feed(parser, stream, _LARGEST_SMALL):
        pass
    return found


@functools.lru_cache(maxsize=512)
def local_name(name: str) -> str:
    """``name`` without its namespace prefix."""
    return name.rpartition(":")[2]


def _refuse(*_: object) -> NoReturn:
    raise ValueError("a workbook has no document type")
