"""Which language a reader gets, and sentences that wait for it."""

from __future__ import annotations

import pytest

from portal.i18n import Message, best_locale, html_language, is_right_to_left, localised, translations

OFFERED = ("zh_Hans", "en", "pt_BR")


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        pytest.param("", "zh_Hans", id="no header: the city's first"),
        pytest.param("en", "en", id="plain"),
        pytest.param("en-GB", "en", id="of a country"),
        pytest.param("EN-us", "en", id="capitals"),
        pytest.param("zh-CN,zh;q=0.9,en;q=0.8", "zh_Hans", id="a Chinese phone"),
        pytest.param("zh-Hans", "zh_Hans", id="script"),
        pytest.param(
            "zh-Hant-TW", "zh_Hans", id="another script of the language rather than another language"
        ),
        pytest.param("pt", "pt_BR", id="language of a regional locale"),
        pytest.param("pt-BR,en", "pt_BR", id="regional"),
        pytest.param("fr,en;q=0.5", "en", id="first one not offered"),
        pytest.param("fr-CA,de", "zh_Hans", id="nothing offered"),
        pytest.param("en;q=0.2,zh;q=0.8", "zh_Hans", id="weights count, not order"),
        pytest.param("zh; q=0.2, en; q=0.8", "en", id="spaces around weights"),
        pytest.param("zh;q=0, en;q=0.1", "en", id="zero means never"),
        pytest.param("en;q=0", "zh_Hans", id="never what was refused"),
        pytest.param("en;q=high,pt", "pt_BR", id="a weight that is no number"),
        pytest.param("*", "zh_Hans", id="anything"),
        pytest.param(";;;,,,=q", "zh_Hans", id="rubbish"),
        pytest.param("fr," * 5000 + "en", "zh_Hans", id="a very long one is cut off"),
    ],
)
def test_best_locale(header: str, locale: str) -> None:
    assert best_locale(header, OFFERED) == locale


@pytest.mark.parametrize(
    ("names", "locale", "shown"),
    [
        ({"en": "Lamp", "zh_Hans": "路灯"}, "zh_Hans", "路灯"),
        ({"en": "Lamp", "zh_Hans": ""}, "zh_Hans", "Lamp"),
        ({"zh_Hans": "路灯"}, "en", "路灯"),
        ({"en": "", "zh_Hans": "路灯"}, "fr", "路灯"),
        ({}, "en", ""),
    ],
)
def test_a_name_is_never_missing_while_there_is_one(names: dict[str, str], locale: str, shown: str) -> None:
    assert localised(names, locale) == shown


def test_a_message_is_put_into_the_readers_language_with_all_that_is_in_it() -> None:
    inner = Message("Please answer this question.")
    outer = Message("%(unit)s: %(why)s 100 %%", {"unit": {"en": "Parks", "zh_Hans": "园林"}, "why": inner})
    assert outer.in_locale("en") == "Parks: Please answer this question. 100 %"
    chinese = outer.in_locale("zh_Hans")
    assert chinese.startswith("园林: ")
    assert "Please" not in chinese


def test_a_message_without_parameters_may_have_a_percent_sign() -> None:
    assert str(Message("100 % done")) == "100 % done"


def test_a_language_without_a_catalogue_shows_the_source() -> None:
    assert translations("fr").gettext("Please answer this question.") == "Please answer this question."


@pytest.mark.parametrize(("locale", "tag", "rtl"), [("zh_Hans", "zh-Hans", False), ("ar", "ar", True)])
def test_tags_and_direction(locale: str, tag: str, rtl: bool) -> None:
    assert (html_language(locale), is_right_to_left(locale)) == (tag, rtl)
