"""Values of secrets are known by the names of their variables, and hidden wherever they stand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fsm_sprint.concealment import LEAST, Concealment, secrets
from fsm_sprint.report.secrets import Redactor

VALUE = "plum-anchor-4711"


@pytest.mark.parametrize(
    "name",
    [
        "GITHUB_TOKEN", "OPENAI_API_KEY", "apikey", "DB_PASSWORD", "PGPASSWORD", "CLIENT_SECRET",
        "AWS_SECRET_ACCESS_KEY", "GOOGLE_CREDENTIALS", "SSH_PASSPHRASE", "SMTP_PASS", "GH_PAT", "NPM_AUTH",
        "SESSION_COOKIE", "SIGNING_KEY_BASE",
    ],
)  # fmt: skip
def test_names_that_look_secret(name: str) -> None:
    assert secrets({name: VALUE}) == {VALUE: name}
    assert Concealment({name: VALUE}).text(f"it is {VALUE}.") == f"it is [{name}]."


@pytest.mark.parametrize("name", ["PATH", "HOME", "KEYBOARD", "MONKEY_BARS", "PASSAGE", "AUTHOR", "COMPASS"])
def test_names_that_do_not(name: str) -> None:
    assert secrets({name: VALUE}) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X_TOKEN", "short"),
        ("X_TOKEN", "password"),
        ("X_TOKEN", "overloaded"),
        ("X_TOKEN", "********"),
        ("MAX_OUTPUT_TOKENS", "320000000"),
        ("TOKEN_URL", "https://login.example.org/oauth/token"),
        ("SSH_KEY_FILE", "/etc/hostname"),
    ],
)
def test_values_that_say_something_else(name: str, value: str) -> None:
    assert secrets({name: value}) == {}


def test_a_path_that_is_not_there_may_be_a_key() -> None:
    assert secrets({"AWS_SECRET_ACCESS_KEY": "/aB3dEfGhIjKlMn+OpQr"})


def test_the_password_of_an_address() -> None:
    hide = Concealment({"DATABASE_URL": "postgres://me:lemon-tree-9@db/x"})
    assert hide.text("using lemon-tree-9") == "using [DATABASE_URL]"


def test_a_secret_within_another_one_is_hidden_with_it() -> None:
    hide = Concealment({"A_TOKEN": VALUE, "B_TOKEN": f"{VALUE}-and-more"})
    assert hide.text(f"{VALUE}-and-more {VALUE}") == "[B_TOKEN] [A_TOKEN]"


def test_a_secret_of_many_lines_is_hidden_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA1234\nabcdefghijklmnop5678\n-----END KEY-----\n"
    shown = Redactor({"DEPLOY_KEY": key})("x MIIEowIBAAKCAQEA1234")
    assert shown == "x [DEPLOY_KEY]"
    hide = Concealment({"DEPLOY_KEY": key})
    assert "MIIE" not in hide.text(" ".join(key.split()))
    assert "MIIE" not in hide.text(key)


def test_what_is_left_of_a_secret_where_a_text_was_cut_is_hidden() -> None:
    hide = Concealment({"A_TOKEN": VALUE})
    assert hide.facts({"error": f"it was {VALUE[:-2]}…"}) == {"error": "it was [A_TOKEN]…"}
    assert hide.facts({"error": f"{VALUE[3:]} it was"}) == {"error": "[A_TOKEN] it was"}


secret = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="[]"),
    min_size=LEAST,
    max_size=40,
)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    if isinstance(value, str):
        yield value


@given(secret, st.text(max_size=20), st.text(max_size=20), st.integers(0, 3))
def test_no_text_among_facts_holds_a_secret(value: str, before: str, after: str, deep: int) -> None:
    environment = {"MY_TOKEN": value}
    assume(secrets(environment) and value not in "MY_TOKEN")
    told: Any = f"{before} {value} {after} {quote(value, safe='')}"
    for _ in range(deep):
        told = {"a": [told], value: 1}
    found = Concealment(environment).facts({"summary": told, "code": 1})
    assert [text for text in texts(found) if value in text] == []
    assert any("[MY_TOKEN]" in text for text in texts(found))


def test_facts_without_secrets_stay_as_they_are() -> None:
    facts = {"code": 3, "cost-usd": 0.1, "tokens": {"input": 7}, "denials": ["x"], "until": None}
    assert Concealment({"A_TOKEN": VALUE}).facts(facts) == facts
    assert Concealment({"HOME": str(Path.home())}).facts(facts) is facts
