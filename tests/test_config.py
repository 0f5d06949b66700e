"""Settings: defaults, and errors that name the variable."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import SettingError, Settings, load, parse_moment

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
REQUIRED = {
    "DATABASE_URL": "postgresql://user@host/balas",
    "REDIS_URL": "redis://host:6379/0",
    "SECRET_KEY": "secret",
    "DATA_KEY": KEY,
    "SMS_GATEWAY": "simulator",
}


def _with(**environ: str) -> Settings:
    return load(REQUIRED | environ)


def test_the_simulator_is_never_served_to_the_world() -> None:
    assert _with(SIMULATOR="1", PUBLIC_URL="http://127.0.0.1:8000").simulator
    for url in ("https://balas.example", "HTTPS://balas.example/", " https://10.0.0.1:8443"):
        with pytest.raises(SettingError, match="SIMULATOR must not be set"):
            _with(SIMULATOR="1", PUBLIC_URL=url)


class TestDefaults:
    def test_five_settings_are_enough(self) -> None:
        settings = _with()
        assert settings.queue_redis_url == settings.redis_url == "redis://host:6379/0"
        assert settings.public_url == "http://127.0.0.1:8000"
        assert settings.age_limits == (18, 59)
        assert settings.time_zone.key == "Asia/Jakarta"
        assert (settings.sending_window.opens, settings.sending_window.closes) == (time(8), time(20))
        assert settings.ussd_screen_septets == 160
        assert (settings.ussd_code, settings.call_centre) == ("*119#", "119")
        assert settings.webhook_deadline == 3.0
        assert settings.registration_closes_at is None
        assert settings.clock_file is None
        assert settings.log_level == "INFO"
        assert not settings.simulator

    def test_an_empty_variable_is_one_that_is_not_set(self) -> None:
        names = ("PORT", "HOST", "PUBLIC_URL", "AGE_LIMITS", "TIMEZONE", "SENDING_WINDOW", "USSD_CODE", "LOG_LEVEL")
        blank = dict.fromkeys(
            (*names, "CALL_CENTRE", "CLOCK_FILE", "REGISTRATION_CLOSES_AT", "USSD_SCREEN_SEPTETS"), "  "
        )
        assert _with(**blank) == _replace_environ(_with(), REQUIRED | blank)

    def test_spaces_around_a_value_do_not_matter(self) -> None:
        settings = _with(PORT=" 9000 ", AGE_LIMITS=" 18 - 65 ", SENDING_WINDOW=" 07:30 - 21:00 ", LOG_LEVEL=" debug ")
        assert (settings.port, settings.age_limits, settings.log_level) == (9000, (18, 65), "DEBUG")
        assert settings.sending_window.opens == time(7, 30)

    def test_the_address_of_the_service_follows_host_and_port(self) -> None:
        assert _with(HOST="0.0.0.0", PORT="80").public_url == "http://0.0.0.0:80"
        assert _with(PUBLIC_URL="https://balas.example/").public_url == "https://balas.example"

    @pytest.mark.parametrize(("text", "on"), [("1", True), ("yes", True), ("ON", True), ("0", False), ("off", False)])
    def test_the_simulator_is_on_only_if_told_so(self, text: str, on: bool) -> None:
        assert _with(SIMULATOR=text).simulator is on

    def test_the_gateways_find_their_own_settings(self) -> None:
        assert _with(AT_USERNAME="sandbox").environ["AT_USERNAME"] == "sandbox"

    def test_a_file_for_the_clock(self) -> None:
        assert _with(CLOCK_FILE="/tmp/clock.json").clock_file == Path("/tmp/clock.json")


def _replace_environ(settings: Settings, environ: dict[str, str]) -> Settings:
    fields = {name: getattr(settings, name) for name in Settings.__slots__ if name != "environ"}
    return Settings(**fields, environ=environ)


class TestErrors:
    @pytest.mark.parametrize("name", sorted(REQUIRED))
    @pytest.mark.parametrize("value", [None, "", "   "])
    def test_a_required_one_that_is_missing_is_named(self, name: str, value: str | None) -> None:
        environ = {key: text for key, text in REQUIRED.items() if key != name}
        if value is not None:
            environ[name] = value
        with pytest.raises(SettingError, match=f"^{name} is not set: ."):
            load(environ)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORT", "http"),
            ("PORT", "0"),
            ("PORT", "65536"),
            ("PORT", "-1"),
            ("PORT", "8000.0"),
            ("PORT", "٨٠٠٠"),
            ("AGE_LIMITS", "18"),
            ("AGE_LIMITS", "59-18"),
            ("AGE_LIMITS", "18-x"),
            ("TIMEZONE", "Jakarta"),
            ("TIMEZONE", "Asia"),
            ("TIMEZONE", "../../etc/passwd"),
            ("TIMEZONE", "x" * 300),
            ("SENDING_WINDOW", "8-20"),
            ("SENDING_WINDOW", "08:00"),
            ("SENDING_WINDOW", "20:00-08:00"),
            ("SENDING_WINDOW", "08:00-08:00"),
            ("SENDING_WINDOW", "08:00+07:00-20:00"),
            ("SENDING_WINDOW", "08:00-25:00"),
            ("REGISTRATION_CLOSES_AT", "tonight"),
            ("REGISTRATION_CLOSES_AT", "2021-01-13"),
            ("REGISTRATION_CLOSES_AT", "2021-01-13T23:59"),
            ("REGISTRATION_CLOSES_AT", "2021-01-13T25:00+07:00"),
            ("REGISTRATION_CLOSES_AT", "2021-01-13T24:01+07:00"),
            ("USSD_SCREEN_SEPTETS", "139"),
            ("USSD_SCREEN_SEPTETS", "183"),
            ("USSD_CODE", "119"),
            ("USSD_CODE", "*119*1234567#"),
            ("USSD_CODE", "*1 1#"),
            ("CALL_CENTRE", "+62 21 5210 411 ext 9"),
            ("CALL_CENTRE", "１１９"),
            ("WEBHOOK_DEADLINE_MS", "100"),
            ("LOG_LEVEL", "loud"),
            ("WEB_SERVES", "tea"),
            ("DATA_KEY", "short"),
            ("DATA_KEY", f"{KEY};{KEY}"),
        ],
    )
    def test_a_wrong_one_is_named_in_one_line(self, name: str, value: str) -> None:
        with pytest.raises(SettingError, match=f"^{name} ") as told:
            _with(**{name: value})
        assert "\n" not in str(told.value)

    @pytest.mark.parametrize("value", [KEY[:-2], KEY + "x", "not base64!", f"{KEY},", f"{KEY} {KEY}"])
    def test_a_key_is_never_repeated(self, value: str) -> None:
        with pytest.raises(SettingError) as told:
            _with(DATA_KEY=value)
        assert KEY[:8] not in str(told.value)

    @given(st.text(max_size=40))
    def test_whatever_stands_in_a_variable_is_taken_or_told(self, value: str) -> None:
        for name in (
            "PORT",
            "AGE_LIMITS",
            "TIMEZONE",
            "SENDING_WINDOW",
            "REGISTRATION_CLOSES_AT",
            "USSD_CODE",
            "DATA_KEY",
        ):
            told = name
            try:
                _with(**{name: value})
            except SettingError as error:
                told = str(error)
            assert told.startswith(name)


class TestMoments:
    @pytest.mark.parametrize(
        "text",
        [
            "2021-01-13T24:00+07:00",
            "2021-01-13T24:00:00+07:00",
            "2021-01-13 24:00+07:00",
            "2021-01-13T17:00Z",
            " 2021-01-14T00:00:00+07:00 ",
            "2021-01-14T02:00+09:00",
        ],
    )
    def test_the_end_of_a_day_may_be_called_24(self, text: str) -> None:
        """Registration closed "at 24.00 WIB" of 13 January 2021."""
        assert parse_moment(text, "TIME") == datetime(2021, 1, 13, 17, tzinfo=UTC)

    def test_what_it_says_is_wanted_is_taken(self) -> None:
        with pytest.raises(SettingError) as told:
            parse_moment("tonight", "TIME")
        example = str(told.value).split("such as ")[1].split(",")[0]
        assert parse_moment(example, "TIME").tzinfo is not None

    def test_the_last_of_all_days_has_no_end(self) -> None:
        with pytest.raises(SettingError, match=r"^TIME must be"):
            parse_moment("9999-12-31T24:00Z", "TIME")


class TestRedis:
    def test_a_cluster_keeps_conversations_and_another_server_the_queues(self) -> None:
        settings = _with(REDIS_URL="redis+cluster://a:1,b:2", QUEUE_REDIS_URL="redis+sentinel://s:26379/balas")
        assert settings.redis_url == "redis+cluster://a:1,b:2"
        assert settings.queue_redis_url == "redis+sentinel://s:26379/balas"

    def test_sentinels_are_enough_for_both(self) -> None:
        assert _with(REDIS_URL="redis+sentinel://s/balas").queue_redis_url == "redis+sentinel://s/balas"

    def test_queues_are_on_no_cluster(self) -> None:
        with pytest.raises(SettingError, match="QUEUE_REDIS_URL is not set"):
            _with(REDIS_URL="redis+cluster://a:1,b:2")
        with pytest.raises(SettingError, match="QUEUE_REDIS_URL must name one server or sentinels"):
            _with(QUEUE_REDIS_URL="redis+cluster://a:1,b:2")

    def test_what_cannot_be_meant_is_said_with_its_name(self) -> None:
        with pytest.raises(SettingError, match="REDIS_URL must name its servers as host:port"):
            _with(REDIS_URL="redis+cluster://a:b", QUEUE_REDIS_URL="redis://q")
        with pytest.raises(SettingError, match="QUEUE_REDIS_URL must end with the name"):
            _with(QUEUE_REDIS_URL="redis+sentinel://s")


class TestPostgres:
    def test_without_a_pooler_nothing_has_to_be_said(self) -> None:
        settings = _with()
        assert (settings.database_pooler, settings.database_read_url) == ("none", "")

    def test_a_pooler_is_taken_for_one_that_keeps_no_prepared_statements(self) -> None:
        assert _with(DATABASE_POOLER="transaction").database_pooler == "unprepared"
        assert _with(DATABASE_POOLER="Transaction", DATABASE_PREPARES="1").database_pooler == "preparing"
        with pytest.raises(SettingError, match="DATABASE_POOLER must be transaction"):
            _with(DATABASE_POOLER="session")
        with pytest.raises(SettingError, match="DATABASE_POOLER is not set"):
            _with(DATABASE_PREPARES="0")

    def test_a_replica_is_an_address_too(self) -> None:
        url = "postgresql://balas@replica/balas"
        assert _with(DATABASE_READ_URL=url).database_read_url == url
        with pytest.raises(SettingError, match="DATABASE_READ_URL must start with"):
            _with(DATABASE_READ_URL="mysql://replica")
