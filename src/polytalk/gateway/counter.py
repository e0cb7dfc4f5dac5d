"""The bank's counter: accounts and the last entries of the ledger, for operators."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from polytalk.dialogue.runtime import Runtime
from polytalk.gateway.auth import Auth
from polytalk.gateway.problems import problem

MOST_ENTRIES = 1_000


class BankCounter:
    """`GET /ops/bank?entries=N`, with the scope admin; without any keys, from this machine."""

    def __init__(self, runtime: Runtime, auth: Auth) -> None:
        self._runtime = runtime
        self._auth = auth

    async def serve(self, request: Request) -> Response:
        """Accounts as they stand now, and the newest `entries` (0 to 1000) of the ledger, oldest first."""
        refusal = await self._auth.operator(request)
        if refusal is not None:
            return refusal
        given = request.query_params.get("entries", "0")
        if not given.isdecimal() or int(given) > MOST_ENTRIES:
            return problem(
                400, f"entries must be 0 to {MOST_ENTRIES}, not {given[:20]}", "invalid_value", param="entries"
            )
        bank = self._runtime.bank
        bank.advance(self._runtime.clock.now())
        newest = bank.ledger[-int(given) :] if int(given) else []
        return JSONResponse(
            {
                "object": "bank",
                "capacity": bank.capacity,
                "accounts": [
                    {
                        "tenant": account.tenant,
                        "entitled": account.entitlement,
                        "used": account.used,
                        "balance": account.balance,
                        "offered": account.offered,
                        "borrowed": account.borrowed,
                        "lent": account.lent,
                        "debt": account.debt,
                    }
                    for account in bank.accounts.values()
                ],
                "entries": [
                    {"at": e.at, "kind": e.kind.value, "source": e.source, "target": e.target, "amount": e.amount}
                    for e in newest
                ],
            }
        )
