"""What tenants are given of the machine, while it runs: their accounts, weights and ceilings."""

from collections.abc import Iterable

from polytalk.config import TenantSettings
from polytalk.schedule.bank import Bank


class Shares:
    """Brings the bank, the fair share and admission to what tenants are entitled to now."""

    def __init__(self, bank: Bank, weights: dict[str, float], ceilings: dict[str, float]) -> None:
        self._bank = bank
        self._weights = weights
        self._ceilings = ceilings
        self.tenants: dict[str, TenantSettings] = {}

    def set(self, tenants: Iterable[TenantSettings]) -> list[str]:
        """These and no others, in their new terms from their next jobs on. Returns what can't be kept.

        Whoever wants an entitlement that the machine does not have keeps the terms it had.
        """
        wanted = {tenant.name: tenant for tenant in tenants}
        for name in self.tenants.keys() - wanted.keys():
            self._give(TenantSettings(name=name))
            del self.tenants[name]
        # Those that get less first, so that there is enough for the others.
        ordered = sorted(wanted.values(), key=lambda tenant: tenant.entitlement - self._entitled(tenant.name))
        refused = []
        for tenant in ordered:
            if self.tenants.get(tenant.name) != tenant:
                try:
                    self._give(tenant)
                    self.tenants[tenant.name] = tenant
                except ValueError as error:
                    refused.append(str(error))
        return refused

    def _entitled(self, name: str) -> float:
        account = self._bank.accounts.get(name)
        return 0.0 if account is None else account.entitlement

    def _give(self, tenant: TenantSettings) -> None:
        ceiling = float("inf") if tenant.ceiling is None else tenant.ceiling
        self._bank.change(tenant.name, tenant.entitlement, ceiling, tenant.lending_limit)
        for kept, value in ((self._weights, tenant.weight), (self._ceilings, tenant.ceiling)):
            kept.pop(tenant.name, None)
            if value is not None:
                kept[tenant.name] = value
