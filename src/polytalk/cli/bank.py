"""`polytalk bank`: the accounts of a running server as a table."""

import httpx
from rich.console import Console
from rich.table import Table

from polytalk.errors import PolytalkError

COLUMNS = ("entitled", "used", "balance", "offered", "borrowed", "lent", "debt")


def run(url: str, entries: int, key: str | None = None) -> None:
    """Ask the server and print. Raises PolytalkError when there is none, or it refuses."""
    sent = {"authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx.get(f"{url.rstrip('/')}/ops/bank", params={"entries": entries}, headers=sent, timeout=5.0)
    except httpx.HTTPError as error:
        raise PolytalkError(f"no server answers at {url}: {error}. Start one with polytalk serve") from None
    body = answer.json()
    if answer.is_error:
        raise PolytalkError(str(body["error"]["message"]))
    console = Console(highlight=False)
    accounts = Table(title=f"{body['capacity']:g} compute-seconds a second", title_justify="left", box=None)
    accounts.add_column("tenant")
    for column in COLUMNS:
        accounts.add_column(column, justify="right")
    for account in body["accounts"]:
        accounts.add_row(account["tenant"], *(f"{account[column]:.2f}" for column in COLUMNS))
    console.print(accounts)
    for entry in body["entries"]:
        what = f"{entry['source']} → {entry['target']}  {entry['amount']:.4f}"
        console.print(f"[dim]{entry['at']:12.3f}[/dim]  {entry['kind']:8}  {what}")
