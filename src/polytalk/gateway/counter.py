"""The bank's counter: accounts and the last entries of the ledger, for operators on this machine."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from polytalk.dialogue.runtime import Runtime
from polytalk.gateway.door import is_loopback
from polytalk.gateway.problems import problem

MOST_ENTRIES = 1_000


class BankCounter:
    """`GET /ops/bank?entries=N`. From this machine only, until there are keys with a scope for it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def serve(self, request: Request) -> JSONResponse:
        """Accounts as they stand now, and the newest `entries` (0 to 1000) of the ledger, oldest first."""
        if not is_loopback(request.client.host if request.client else ""):
            return problem(403, "the bank is shown to this machine only", "loopback_only")
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
