"""What keys and tenants may use, as clients of the gateway are told."""

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from starlette.datastructures import MutableHeaders

from polytalk.config import Quota, Quotas, TenantSettings
from polytalk.errors import OverQuota
from polytalk.gateway.keys import Principal
from polytalk.gateway.rations import Rations
from polytalk.types import Tier
from tests.support.server import serving

SHOP = TenantSettings(name="shop", tier="vip", token=SecretStr("sk-shop"), limits={"requests_per_minute": 3})
HELLO = {"model": "llm", "messages": [{"role": "user", "content": "Hello"}]}


def key(tenant: TenantSettings = SHOP) -> dict[str, str]:
    assert tenant.token is not None
    return {"authorization": f"Bearer {tenant.token.get_secret_value()}"}


async def test_each_answer_tells_what_is_left_and_the_refusal_when_to_come_back() -> None:
    async with serving(tenants=(SHOP,)) as server, httpx.AsyncClient(base_url=server.http, headers=key()) as http:
        left = []
        for _ in range(3):
            answer = await http.get("/v1/models")
            assert answer.headers["x-ratelimit-limit-requests"] == "3"
            left.append(answer.headers["x-ratelimit-remaining-requests"])
        assert left == ["2", "1", "0"]
        refused = await http.get("/v1/models")
        assert refused.status_code == 429
        assert refused.json()["error"] | {"message": ""} == {
            "message": "",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit_exceeded",
        }
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert refused.headers["x-ratelimit-remaining-requests"] == "0"
        assert refused.headers["x-ratelimit-reset-requests"].endswith("s")


async def test_without_keys_nothing_is_counted() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        answers = [await http.get("/v1/models") for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        assert not [name for name in answers[0].headers if name.startswith("x-ratelimit")]


async def test_an_answer_is_charged_and_a_debt_refuses_the_next_one_only_of_that_tenant() -> None:
    shop = SHOP.model_copy(update={"limits": {"tokens_per_minute": 2}})
    other = TenantSettings(name="other", token=SecretStr("sk-other"))
    async with serving(tenants=(shop, other)) as server, httpx.AsyncClient(base_url=server.http) as http:
        first = await http.post("/v1/chat/completions", json=HELLO, headers=key(shop))
        assert first.status_code == 200, first.text
        spent = first.json()["usage"]["total_tokens"]
        assert spent > 2
        refused = await http.post("/v1/chat/completions", json=HELLO, headers=key(shop))
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert refused.headers["x-ratelimit-remaining-tokens"] == "0"
        assert (await http.get("/v1/models", headers=key(shop))).status_code == 200
        assert (await http.post("/v1/chat/completions", json=HELLO, headers=key(other))).status_code == 200


def test_a_tenants_own_limits_count_before_those_of_the_settings() -> None:
    now = 0.0
    rations = Rations(Quotas(key=Quota(requests_per_minute=5), tenant=Quota(requests_per_minute=8)), lambda: now)
    plain, own = TenantSettings(name="plain"), TenantSettings(name="own", limits={"key_requests_per_minute": 2})
    for tenant, most in ((plain, 5), (own, 2)):
        ration = rations.of(Principal(tenant, key=f"key of {tenant.name}"))
        for _ in range(most):
            ration.request()
        with pytest.raises(OverQuota, match=f"key key of {tenant.name} has used up its requests"):
            ration.request()
    shared = rations.of(Principal(plain, key="another"))
    for _ in range(3):
        shared.request()
    with pytest.raises(OverQuota, match="tenant plain"):
        shared.request()
    assert rations.of(Principal(SHOP, key="k")).payer.tier is Tier.VIP


def test_conversations_are_told_the_same() -> None:
    ration = Rations(Quotas(), lambda: 0.0).of(Principal(SHOP))
    ration.request()
    ration.spend(tokens=250_000)
    assert ration.rates() == [
        {"name": "requests", "limit": 3, "remaining": 2, "reset_seconds": 20.0},
        {"name": "tokens", "limit": 1_000_000, "remaining": 750_000, "reset_seconds": 15.0},
    ]


@pytest.mark.parametrize(("wait", "told"), [(0.012, "12ms"), (6.5, "6.5s"), (63.2, "1m3s")])
def test_times_are_told_as_sdks_know_them(wait: float, told: str) -> None:
    rations = Rations(Quotas(tenant=Quota(tokens_per_minute=60)), lambda: 0.0)
    ration, headers = rations.of(Principal(SHOP)), MutableHeaders()
    ration.spend(tokens=wait)
    ration.tell(headers)
    assert headers["x-ratelimit-reset-tokens"] == told


@pytest.mark.parametrize("limits", [{"request_per_minute": 5}, {"tokens_per_minute": 0}, {"key_sessions": 0.5}])
def test_limits_that_cant_be_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=r"limit|can.t be"):
        TenantSettings(name="shop", limits=limits)
