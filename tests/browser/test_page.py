"""The page in a real browser: it hears, it answers aloud, its mouth moves, it can be interrupted."""

import re
import time

import numpy as np
from playwright.sync_api import Page, expect

from polytalk.avatar.library import Library
from tests.browser.conftest import OpenPage
from tests.support.photographs import encoded, put
from tests.support.process import Server

SPEAKS = "polytalk.state() === 'speaking' && polytalk.played() > 300"
LONG = "one two three four five six seven eight nine ten " * 4


def eventually(page: Page, expression: str, within: float = 20.0) -> None:
    """Wait until a JavaScript expression holds (the page's security policy forbids Playwright's own way)."""
    deadline = time.monotonic() + within
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"{expression} did not come true within {within} s"
        page.wait_for_timeout(50)


def turn_microphone_on(page: Page) -> None:
    page.get_by_role("button", name=re.compile("microphone", re.IGNORECASE)).click()


def mouth_range(page: Page) -> float:
    """How far the jaw moves within two seconds."""
    moved = page.evaluate(
        """async () => {
            const seen = [];
            for (let i = 0; i < 40; i++) {
                seen.push(polytalk.mouth()[0]);
                await new Promise(done => setTimeout(done, 50));
            }
            return Math.max(...seen) - Math.min(...seen);
        }"""
    )
    return float(moved)


def type_in(page: Page, text: str) -> None:
    box = page.get_by_role("textbox")
    expect(box).to_be_enabled()
    box.fill(text)
    box.press("Enter")


def test_a_typed_question_is_answered_with_a_moving_mouth(server: Server, open_page: OpenPage) -> None:
    with open_page(server) as page:
        type_in(page, "What is the capital of France?")
        eventually(page, SPEAKS, 20)
        assert mouth_range(page) > 0.1
        eventually(page, "polytalk.state() !== 'speaking'", 30)
        assert page.evaluate("polytalk.latency()") > 0
        expect(page.get_by_text("What is the capital of France?").first).to_be_visible()


def test_a_spoken_question_is_heard_and_answered(echo_server: Server, open_page: OpenPage, question: bytes) -> None:
    with open_page(echo_server, question) as page:
        turn_microphone_on(page)
        eventually(page, SPEAKS, 20)
        assert mouth_range(page) > 0.1
        expect(page.get_by_text("what is your name", exact=False).first).to_be_visible(timeout=15_000)


def test_the_interrupt_button_silences_it(echo_server: Server, open_page: OpenPage) -> None:
    with open_page(echo_server) as page:
        type_in(page, LONG)
        eventually(page, SPEAKS, 20)
        page.get_by_role("button", name="Interrupt").click()
        eventually(page, "polytalk.state() !== 'speaking'", 1)
        eventually(page, "Math.max(...polytalk.mouth()) < 0.2", 1)


def test_speaking_interrupts_it(echo_server: Server, open_page: OpenPage, question: bytes) -> None:
    with open_page(echo_server, bytes(4 * 48_000) + question) as page:
        turn_microphone_on(page)
        type_in(page, LONG)
        eventually(page, SPEAKS, 20)
        eventually(page, "polytalk.state() === 'listening'", 15)
        expect(page.get_by_text("what is your name", exact=False).first).to_be_visible(timeout=15_000)


def test_it_speaks_chinese_to_those_who_read_it(server: Server, open_page: OpenPage) -> None:
    with open_page(server, locale="zh-CN") as page:
        expect(page.get_by_text("开始说话")).to_be_visible()
        assert page.evaluate("document.documentElement.lang").startswith("zh")


def test_a_phone_shows_everything_without_scrolling(server: Server, open_page: OpenPage) -> None:
    with open_page(server, viewport={"width": 390, "height": 844}) as page:
        expect(page.get_by_role("textbox")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight + 1")


def test_an_avatar_that_is_added_to_a_running_server_is_shown_and_speaks(
    echo_server: Server, open_page: OpenPage
) -> None:
    picture = encoded(np.full((400, 400, 3), (200, 40, 60), np.uint8))
    put(Library(echo_server.avatars), portrait=picture)
    with open_page(echo_server) as page:
        page.get_by_role("button", name=re.compile("avatar", re.IGNORECASE)).first.click()
        page.get_by_text("Ann", exact=True).first.click()
        colour = "[...document.querySelector('#backdrop').getContext('2d').getImageData({}, {}, 1, 1).data].join()"
        middle = "document.querySelector('#backdrop').width >> 1"
        eventually(page, f"{colour.format(middle, 200)} === '200,40,60,255'")
        page.keyboard.press("Escape")
        type_in(page, "Say something.")
        eventually(page, SPEAKS)


def test_another_face_can_be_chosen_and_speaks(echo_server: Server, open_page: OpenPage) -> None:
    with open_page(echo_server) as page:
        page.get_by_role("button", name=re.compile("Mira")).click()
        page.get_by_text("Theo").first.click()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name=re.compile("Theo"))).to_be_visible()
        type_in(page, "Hello there, how are you today?")
        eventually(page, SPEAKS)
        assert mouth_range(page) > 0.1
