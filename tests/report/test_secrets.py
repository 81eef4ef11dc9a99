"""What looks like a secret is not shown."""

import pytest

from fsm_sprint.report.secrets import HIDDEN, Redactor, redacted

# Put together here, so that no scanner of sources takes them for real ones.
TOKENS = [
    "sk-" + "ant-api03-" + "a1B2" * 8,
    "ghp" + "_" + "Ab1" * 12,
    "github" + "_pat_" + "Ab1" * 12,
    "glpat" + "-" + "Ab1x" * 5,
    "AKIA" + "ABCD1234EFGH5678",
    "xoxb" + "-123456789012-" + "abcdef",
    "AIza" + "a" * 35,
    "npm" + "_" + "a" * 36,
    "eyJ" + "hbGciOiJI" + ".eyJ" + "zdWIiOiIx" + "." + "c2lnbmF0dXJl",
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_hidden_wherever_it_stands(token):
    for text in (token, f"export KEY={token}", f'{{"k": "{token}"}}', f"a {token}, b"):
        assert token not in redacted(text)
        assert HIDDEN in redacted(text)


def test_a_named_secret_is_hidden_and_its_name_stays():
    assert redacted("DB_PASSWORD=hunter2hunter2 and more") == f"DB_PASSWORD={HIDDEN} and more"
    assert redacted("api-key: 'abcdefgh12345'") == f"api-key: '{HIDDEN}'"
    assert redacted("Authorization: Bearer abc.def-ghi") == f"Authorization: Bearer {HIDDEN}"
    assert redacted("https://user:pass@host/x") == f"https://user:{HIDDEN}@host/x"


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 123456789",
        "token=12345678901",
        "password=$DB_PASSWORD",
        "the secret is in the sauce",
        "sk-short",
        "key: value",
        "https://host:8080/path",
        "a" * 5000,
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert redacted(text) == text


def test_a_private_key_is_hidden_over_all_its_lines():
    begin, end = ("-----" + word + " RSA PRIVATE KEY-----" for word in ("BEGIN", "END"))
    shown = list(map(Redactor(), ["before", begin, "MIIEpAIBAAKCAQEA" * 4, "", end, "after"]))

    assert shown == ["before", HIDDEN, HIDDEN, HIDDEN, HIDDEN, "after"]


def test_what_only_begins_like_a_key_does_not_hide_the_rest():
    begin = "-----" + "BEGIN PRIVATE KEY-----"

    assert list(map(Redactor(), [begin, "this is prose, no key!", "more"])) == [
        HIDDEN,
        "this is prose, no key!",
        "more",
    ]
