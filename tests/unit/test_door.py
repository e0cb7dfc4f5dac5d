"""How many are let in."""

import json

from polytalk.gateway.door import Door


def test_a_full_house_says_when_to_come_back() -> None:
    door = Door(1)
    assert door.enter("first") is None
    response = door.enter("second")
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
    assert door.enter("second") is None
