"""How many are let in."""

import json

from polytalk.config import Quota, Quotas, TenantSettings
from polytalk.gateway.door import Door
from polytalk.gateway.keys import Principal
from polytalk.gateway.rations import Rations

FREE = Rations(Quotas()).of(Principal(anonymous=True))


def test_a_full_house_says_when_to_come_back() -> None:
    door = Door(1)
    assert door.enter("first", FREE) is None
    response = door.enter("second", FREE)
    assert response is not None
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert json.loads(bytes(response.body)) == {
        "error": {
            "message": "all 1 places are taken; try again in 5 s",
            "type": "server_error",
            "param": None,
            "code": "at_capacity",
        }
    }
    assert door.inside == 1
    door.leave("second")
    door.leave("first")
    door.leave("first")
    assert door.enter("second", FREE) is None


def test_a_tenants_own_places_are_given_back_too() -> None:
    rations = Rations(Quotas(tenant=Quota(sessions=2)))
    shop = Principal(TenantSettings(name="shop", limits={"key_sessions": 1}), key="k1")
    door, one, other = Door(2), rations.of(shop), rations.of(Principal(shop.tenant, key="k2"))
    assert door.enter("a", one) is None
    response = door.enter("b", one)
    assert response is not None
    assert (response.status_code, response.headers["retry-after"]) == (429, "5")
    assert json.loads(bytes(response.body))["error"]["code"] == "rate_limit_exceeded"
    assert door.enter("b", other) is None
    assert door.enter("c", FREE) is not None  # the house is full, and who was turned away holds nothing
    door.leave("a")
    assert door.enter("c", one) is None
