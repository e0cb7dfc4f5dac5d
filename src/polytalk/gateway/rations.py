"""What those who came in may use: the limits of their key and of its tenant, and how they are told."""

import time
from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from polytalk.config import Quota, Quotas, TenantSettings
from polytalk.dialogue.capacity.payer import UNMETERED, Payer
from polytalk.errors import OverQuota
from polytalk.gateway.keys import Principal
from polytalk.gateway.problems import answer_to
from polytalk.schedule import quota
from polytalk.schedule.quota import Holder, Rate, Standing
from polytalk.types import Seconds, Tier

REQUESTS, TOKENS, SPEECH = "requests", "tokens", "speech_seconds"
RATES = (REQUESTS, TOKENS, SPEECH)
TOLD = (REQUESTS, TOKENS)
"""Of which `x-ratelimit-*` tell; SDKs know no others."""
HEADERS = tuple(f"x-ratelimit-{which}-{what}" for which in ("limit", "remaining", "reset") for what in TOLD)


class Rations:
    """One a server. Whoever came in without a key, on this machine, is not bounded."""

    def __init__(self, quotas: Quotas, now: Callable[[], Seconds] = time.monotonic) -> None:
        self._defaults = quotas
        self._now = now
        self._quotas = quota.Quotas()

    def of(self, principal: Principal) -> "Ration":
        """Theirs."""
        tenant = principal.tenant
        if principal.anonymous:
            return Ration(tenant, (), self._quotas, self._now)
        holders = [_holder(f"tenant {tenant.name}", self._defaults.tenant, tenant, "")]
        if principal.key is not None:
            holders.insert(0, _holder(f"key {principal.key}", self._defaults.key, tenant, "key_"))
        return Ration(tenant, tuple(holders), self._quotas, self._now)


class Ration:
    """What one principal may use: asked before work begins, told afterwards what the work was."""

    def __init__(
        self, tenant: TenantSettings, chain: tuple[Holder, ...], quotas: quota.Quotas, now: Callable[[], Seconds]
    ) -> None:
        self.payer = Payer(tenant.name, Tier(tenant.tier), self if chain else UNMETERED)
        """For the work that they ask for."""
        self._chain = chain
        self._quotas = quotas
        self._now = now

    def request(self) -> None:
        """One more. Raises OverQuota."""
        self._quotas.take(self._chain, REQUESTS, self._now())

    def check(self) -> None:
        """Whether work may begin whose cost is known only afterwards. Raises OverQuota while an earlier one is owed."""
        for what in (TOKENS, SPEECH):
            self._quotas.take(self._chain, what, self._now(), amount=0.0)

    def spend(self, tokens: float = 0.0, speech: Seconds = 0.0) -> None:
        """What the work was, in tokens of the language model and seconds of speech heard or spoken."""
        for what, amount in ((TOKENS, tokens), (SPEECH, speech)):
            if amount:
                self._quotas.charge(self._chain, what, self._now(), amount)

    def enter(self, session: str) -> None:
        """Begin a conversation. Raises OverQuota."""
        self._quotas.enter(self._chain, session, self._now())

    def leave(self, session: str) -> None:
        """It is over; twice does no harm."""
        self._quotas.leave(self._chain, session)

    def standing(self, what: str) -> Standing | None:
        """How much is left; None where nothing bounds it."""
        return self._quotas.standing(self._chain, what, self._now())

    def rates(self) -> list[dict[str, Any]]:
        """The same as `rate_limits.updated` has it."""
        return [
            {
                "name": what,
                "limit": round(standing.limit),
                "remaining": int(standing.remaining),
                "reset_seconds": round(standing.reset, 3),
            }
            for what in TOLD
            if (standing := self.standing(what)) is not None
        ]

    def tell(self, headers: MutableHeaders) -> None:
        """Put `x-ratelimit-*` into an answer's headers."""
        for what in TOLD:
            if (standing := self.standing(what)) is not None:
                headers[f"x-ratelimit-limit-{what}"] = f"{standing.limit:.0f}"
                headers[f"x-ratelimit-remaining-{what}"] = f"{int(standing.remaining)}"
                headers[f"x-ratelimit-reset-{what}"] = _span(standing.reset)

    def refusal(self, error: OverQuota) -> Response:
        """The answer to who has used up theirs."""
        answer = answer_to(error)
        self.tell(answer.headers)
        return answer


def _holder(name: str, defaults: Quota, tenant: TenantSettings, prefix: str) -> Holder:
    """A key's or a tenant's limits: the tenant's own before those of the settings."""
    bounds: dict[str, Any] = {field: tenant.limits.get(prefix + field, given) for field, given in defaults}
    rates = {what: Rate(bounds[f"{what}_per_minute"]) for what in RATES if bounds[f"{what}_per_minute"] is not None}
    places = bounds["sessions"]
    return Holder(name, rates, None if places is None else int(places))


def _span(seconds: Seconds) -> str:
    """As in the OpenAI API: 12ms, 6.5s, 1m3s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.3g}s"
    return f"{int(seconds // 60)}m{int(seconds % 60)}s"
