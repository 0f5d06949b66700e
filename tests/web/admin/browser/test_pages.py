"""Every page of the command room, in both languages, on a desk and on a phone: nothing serious by axe-core, nothing wider
than the window, nothing that the browser complains of, and a heading on each."""

from __future__ import annotations

import re

import pytest

from bench.addresses import pages_of
from tests.web.admin.browser.conftest import RoomPage, Running

#: Downloads open no page; and nothing has been uploaded here, so that there is no upload to look at.
_NO_PAGES = re.compile(r"\.(csv|xlsx)$|/999999999")


@pytest.mark.parametrize(("language", "width"), [("id", 390), ("en", 1280)])
def test_no_page_shuts_anybody_out(room: RoomPage, running: Running, language: str, width: int) -> None:
    room.signs_in(language=language)
    room.resizes(width)
    wrong: dict[str, list[str]] = {}
    for path in [path for path in pages_of(running.environ) if not _NO_PAGES.search(path)]:
        room.goes_to(path)
        if not room.driver.find_elements("id", "content"):
            room.complaints()  # a part of a page, which its page fetches; by itself it has no picture for its tab
            continue
        found = room.faults()
        if (over := room.overflow()) > 0:
            found.append(f"wider than the window by {over} pixels")
        if len(room.driver.find_elements("css selector", "h1")) != 1:
            found.append("not one heading of the first order")
        found += room.complaints()
        if found:
            wrong[path] = found
    assert wrong == {}


def test_the_entrance_too(room: RoomPage) -> None:
    for width in (390, 1280):
        room.resizes(width)
        room.goes_to("/admin/sign-in")
        assert room.faults() == []
        assert room.overflow() <= 0
    assert room.complaints() == []
