"""The page of a server that has keys: it asks for one, and talks with it."""

from playwright.async_api import async_playwright, expect
from pydantic import SecretStr

from polytalk.config import TenantSettings
from tests.browser.conftest import QUIET
from tests.support.server import serving

ACME = TenantSettings(name="acme", token=SecretStr("secret-of-acme"))


async def test_the_page_asks_for_the_key_or_takes_it_from_its_address_and_talks_with_it(chromium: str) -> None:
    async with serving(tenants=(ACME,)) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = await browser.new_page()
        await page.goto(server.http)
        await page.get_by_role("button", name="Enter key").click()
        key = page.get_by_role("textbox", name="Key of this server")
        await expect(key).to_be_focused()
        await key.fill("secret-of-acme")
        await key.press("Enter")
        await expect(page.locator("#phase")).to_have_text("Ready")
        await expect(page.get_by_role("button", name="Enter key")).to_be_hidden()
        message = page.locator("#text")
        await message.fill("Hello there")
        await message.press("Enter")
        await expect(page.get_by_text("Yes, it is.").first).to_be_visible()
        other = await (await browser.new_context()).new_page()
        await other.goto(f"{server.http}/#key=secret-of-acme")
        await expect(other.locator("#phase")).to_have_text("Ready")
        assert other.url == f"{server.http}/", "the key is not left in the address"
        await browser.close()
