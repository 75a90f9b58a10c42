"""Signatures: those of the standard, one per secret, over the id, the moment and the body."""

from __future__ import annotations

import base64

import pytest

from remediator.webhook.signature import secrets_in, signed

# The example of the standard's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
IDENT, MOMENT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'


def test_it_signs_as_the_standard_does() -> None:
    assert signed(secrets_in(SECRET), IDENT, MOMENT, BODY) == {
        "webhook-id": IDENT,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_signs() -> None:
    """While one is replaced, the receiver may know the former, or the next, or both."""
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    both = signed(secrets_in(f"{SECRET}\n{other}\n"), IDENT, MOMENT, BODY)["webhook-signature"]
    each = [signed(secrets_in(one), IDENT, MOMENT, BODY)["webhook-signature"] for one in (SECRET, other)]
    assert both.split(" ") == each
    assert each[0] != each[1]


@pytest.mark.parametrize(("ident", "moment", "body"), [("x", MOMENT, BODY), (IDENT, 1, BODY), (IDENT, MOMENT, b"{}")])
def test_whatever_differs_is_signed_differently(ident: str, moment: int, body: bytes) -> None:
    secrets = secrets_in(SECRET)
    usual = signed(secrets, IDENT, MOMENT, BODY)["webhook-signature"]
    assert signed(secrets, ident, moment, body)["webhook-signature"] != usual


def test_without_a_secret_there_is_an_id_and_no_signature() -> None:
    assert signed((), IDENT, MOMENT, BODY) == {"webhook-id": IDENT, "webhook-timestamp": "1614265330"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "hunter2hunter2",
        SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_hunter2?",
        "whsec_" + base64.b64encode(b"hunter2" * 3).decode(),
        "whsec_" + base64.b64encode(b"hunter2" * 10).decode(),
        "\n".join([SECRET] * 5),
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="secret") as refused:
        secrets_in(text)
    assert "hunter2" not in str(refused.value)
    assert SECRET[6:] not in str(refused.value)
