"""Whatever the layers below can say is wrong, a page says in its reader's language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.exceptions import BadRequest, Conflict

from bot.registration.importing.districts import DistrictImporter
from bot.registration.importing.facilities import FacilityImporter
from bot.registration.importing.importer import Notice
from bot.registration.importing.roster import RosterImporter
from bot.registration.importing.sessions import SessionImporter
from bot.web.admin.faults import is_known, told
from gateway_adapters.africastalking import _FAILED_BY_ITSELF, _FAILURE_REASONS
from gateway_adapters.africastalking_sms import _BROKEN

_BOT = Path(__file__).resolve().parents[3] / "bot"
_ERRORS = {"AudienceError", "BadCell", "CampaignError", "ImportFailed", "Refused", "TextError"}
#: What only a terminal or a program can do wrong: an audience as JSON, another user's name, a file beside another one.
_NOT_IN_A_PAGE = re.compile(
    r"python -m bot (?!campaign list)|JSON|nested|must be like|names 7 twice|unknown member|hexadecimal|rejected rows|"
    r"is disabled|only a national one|has 7 recipients; above"
)
#: "too few" or "too many" in a hole, which stand in the list below; and what a maker of samples is told.
_NO_SENTENCES = {"has too 7 digits", "has a serial of 1 to 7 and a sub-district of 1 to 7"}
_REASON = re.compile(r"(is|has|starts|ends) .*[a-z0-9]")


def _said(node: ast.expr) -> str | None:
    """A text of the code, with a 7 in each of its holes."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "7" for each in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _raised(folder: str) -> Iterator[str]:
    for path in sorted((_BOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ERRORS and node.args:
                text = _said(node.args[-1])
                # the name of the file stands before what is wrong with it only where a terminal tells it
                if text is not None and not _NOT_IN_A_PAGE.search(text) and text != "7: 7":
                    yield text


def _reasons(module: str) -> Iterator[str]:
    """Reasons for which a number is none, wherever they stand in its module."""
    tree = ast.parse((_BOT / module).read_text(encoding="utf-8"))
    inner = {each for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in node.values}
    for node in ast.walk(tree):
        text = _said(node) if isinstance(node, ast.expr) and node not in inner else None
        if text is not None and _REASON.fullmatch(text) and text not in _NO_SENTENCES:
            yield text


def _of_gateways() -> Iterator[str]:
    for path in sorted((_BOT.parent / "gateway_adapters").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"Refusal", "Unknown"}
            ):
                yield from filter(None, map(_said, node.args))
            elif isinstance(node, ast.Return) and path.stem == "deadline_http" and node.value is not None:
                yield from filter(None, [_said(node.value)])


def _all() -> set[str]:
    importers = (DistrictImporter, FacilityImporter, RosterImporter, SessionImporter)
    return {
        *_raised("campaigns"),
        *_raised("registration/importing"),
        *_reasons("phone.py"),
        *_reasons("registration/nik.py"),
        *_of_gateways(),
        *_FAILED_BY_ITSELF.values(),
        *_FAILURE_REASONS.values(),
        *_BROKEN.values(),
        *(notice.text for notice in Notice),
        *(f"is {importer.key_words} as on line 7" for importer in importers),
        "has too few digits",
        "has too many digits",
        str(BadRequest.description),
        str(Conflict.description),
        "is not the code of a known district",
        "is 5, below the 7 places already taken",
        "is not a time zone that PostgreSQL knows",
        "is empty (the row goes on to line 7: is a quotation mark missing?)",
        "columns that were ignored: 7",
        "only the sheet '7' was read, of 7",
    }


@pytest.mark.parametrize("text", sorted(_all()))
def test_it_can_be_told_in_indonesian(text: str) -> None:
    assert is_known(text)


@pytest.mark.parametrize(
    ("text", "indonesian"),
    [
        ("is longer than 60 characters", "lebih panjang dari 60 karakter"),
        ("is the same NIK as on line 1907", "NIK yang sama dengan baris 1907"),
        (
            "The file is not CSV: a line has more than 1,000,000 characters.",
            "Berkas bukan CSV: ada baris dengan lebih dari 1.000.000 karakter.",
        ),
        (
            "The file needs more columns: nik; it has: an empty first row.",
            "Berkas masih memerlukan kolom: nik; yang ada: baris pertama yang kosong.",
        ),
        ("Text in en: the text is empty", "Teks dalam bahasa Inggris: teksnya kosong"),
        ("Audience: there is no facility 0815.", "Sasaran: tidak ada fasilitas 0815."),
        ('Audience: "phones": the 3. is no phone number', 'Sasaran: "nomor telepon": yang ke-3 bukan nomor telepon'),
        ("the gateway says that the number is invalid", "menurut gerbang nomornya tidak sah"),
        (
            "Twilio was not reached: no connection within 5 s",
            "Twilio tidak terjangkau: tidak ada sambungan dalam 5 detik",
        ),
        ("UserInBlacklist", "UserInBlacklist"),
    ],
)
def test_what_differs_stands_where_it_belongs(text: str, indonesian: str) -> None:
    assert told(text) == indonesian
