"""Keys as they are made and read."""

import ast
import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

import polytalk
from polytalk.config import TenantSettings
from polytalk.gateway.keys import SettingsKeys
from polytalk.store import secret

TOKEN_CHARACTERS = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
"""Of an HTTP token, which a subprotocol is (RFC 9110, 5.6.2)."""

secrets_ = st.builds(
    "{}_{}_{}".format,
    st.sampled_from(["pt", "ek"]),
    st.text("0123456789abcdef", min_size=12, max_size=12),
    st.text(string.ascii_letters + string.digits + "_-", min_size=43, max_size=43),
)


@pytest.mark.parametrize("kind", ["pt", "ek"])
def test_a_new_secret_has_an_id_that_may_be_shown_and_256_random_bits(kind: secret.Kind) -> None:
    made, other = secret.make(kind), secret.make(kind)
    assert made.value.startswith(f"{made.id}_")
    assert secret.id_of(made.value) == made.id
    assert len(made.value.removeprefix(f"{made.id}_")) * 6 >= 256
    assert set(made.value) <= TOKEN_CHARACTERS
    assert made.value not in made.digest
    assert re.fullmatch("[0-9a-f]{64}", made.digest)
    assert len({made.id, other.id, made.value, other.value}) == 4


@given(secrets_, secrets_)
def test_a_secret_matches_its_own_digest_and_no_other(one: str, other: str) -> None:
    assert secret.matches(one, secret.digest(one))
    assert secret.matches(one, secret.digest(other)) is (one == other)


@given(secrets_, st.data())
def test_whatever_is_changed_in_a_secret_it_is_another_or_none(token: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(token) - 1))
    put = data.draw(st.characters().filter(lambda c: c != token[at]))
    for other in (token[:at] + put + token[at + 1 :], token[:at] + token[at + 1 :], token[:at] + put + token[at:]):
        assert secret.id_of(other) is None or not secret.matches(other, secret.digest(token))


@given(st.text())
def test_anything_else_is_no_secret_and_harms_nothing(text: str) -> None:
    name = secret.id_of(text)
    assert name is None or text.startswith(f"{name}_")
    assert not secret.matches(text, secret.digest(text + "x"))


@pytest.mark.parametrize("tail", ["\n", " ", "\0", "é", "٣"])
def test_nothing_may_follow(tail: str) -> None:
    value = secret.make("pt").value
    assert secret.id_of(value + tail) is None
    assert secret.id_of(value[:-1] + tail) is None


SECRETS = {"token", "secret", "password", "credential", "kept", "bearer"}
"""Names of what must not be compared in a time that depends on how much of it is right."""
DOORS = ("gateway/auth.py", "gateway/keys.py", "gateway/keyring.py", "gateway/realtime/media_line.py")


def test_secrets_are_compared_in_constant_time_and_in_no_other_way() -> None:
    """`==` stops at the first character that differs, and a client can measure that. Sets and dicts are asked for
    digests alone: nobody can choose what a SHA-256 begins with."""
    package = Path(polytalk.__file__).parent
    files = [*(package / "store").glob("*.py"), *(package / door for door in DOORS)]
    found = []
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Compare) and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
                sides = [node.left, *node.comparators]
                names = {getattr(side, "id", getattr(side, "attr", "")) for side in sides}
                found += [f"{file.name}:{node.lineno}" for _ in names & SECRETS]
    assert not found
    doors = "".join((package / door).read_text() for door in (*DOORS, "store/secret.py"))
    assert doors.count("compare_digest(") == 3


@pytest.mark.parametrize("right", [True, False])
def test_every_tenant_s_token_is_looked_at_whichever_it_is(right: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        looked.append(one)
        return one == other

    monkeypatch.setattr("polytalk.gateway.keys.hmac.compare_digest", compare)
    tenants = [TenantSettings(name=name, token=SecretStr(f"{name}-token")) for name in ("a", "b", "c")]
    found = SettingsKeys(tenants).recall("a-token" if right else "d-token")
    assert (found is not None) is right
    assert looked == [b"a-token", b"b-token", b"c-token"]
