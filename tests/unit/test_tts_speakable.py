"""What is read aloud of a text that was written for the eye."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polytalk.engines.tts.scripts import only_scripts
from polytalk.engines.tts.speakable import speakable
from polytalk.engines.tts.spoken_chinese import cardinal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Bold**, *soft*, __loud__, ~~gone~~ and `code`.", "Bold, soft, loud, gone and code."),
        ("# Title\n\nText that\nwraps.\n\n- one\n* two\n- [x] three", "Title. Text that wraps. one. two. three."),
        ("1. Bread\n2. Milk", "1. Bread 2. Milk"),
        ("[our page](https://example.com/a_(b)) and ![a cat](cat.png)", "our page and a cat"),
        ("See https://www.example.com/foo/bar?x=1.", "See example dot com."),
        ("Mail jo.doe@example.org!", "Mail jo dot doe at example dot org!"),
        ("| Name | Age |\n|---|:-:|\n| Bob | 5 |", "Name, Age. Bob, 5."),
        ("Run this:\n```python\nprint(1)\n```\nDone.", "Run this: Done."),
        ("> quoted\n> words", "quoted words"),
        ("<b>bold</b><br>text &amp; more", "bold text & more"),
        ("Paris [1] is big [^2]【3†source】.", "Paris is big."),
        ("snake_case_name", "snake case name"),
        ("above\n---\nbelow", "above below"),
    ],
)
def test_markup_is_taken_off(text: str, said: str) -> None:
    assert speakable(text, "en") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("*smiles* Hello! *waves at you happily*", "Hello!"),
        ("(laughs softly) OK. [sighs]", "OK."),
        ("I *really* mean it.", "I really mean it."),
        ("We like air (breathing is good).", "We like air (breathing is good)."),
        ("😀 Hi 👍🏽 there 👨‍👩‍👧 ok ❤️", "Hi there ok"),
        ("1️⃣ first", "1 first"),
        ("Really?!?! No!!! Hmm.... Yes,, so", "Really? No! Hmm… Yes, so"),
        ("“Hello,” she said — ‘yes’", "\"Hello,\" she said — 'yes'"),
        ("a\u200bb\u00adc\x07d", "abcd"),
        ("hello - world --- again", "hello — world — again"),
        ("e\u0301te\u0301", "été"),
    ],
)
def test_what_has_no_sound_is_left_out(text: str, said: str) -> None:
    assert speakable(text, "en") == said


@pytest.mark.parametrize(
    "text",
    [
        "It costs $3.50 at 10:30 on 2026-11-22.",
        "Dr. Smith's 3rd visit, 5 km away, took 1,250 people; 50% left, e.g. at 5 p.m.",
        "It is 20 °C.",
        "-5 °C",
        "I'm sure that's O'Neil's well-known state-of-the-art café.",
        "In the 1990s, AT&T said: wait… what?",
    ],
)
def test_what_the_english_reader_reads_right_is_left_alone(text: str) -> None:
    assert speakable(text, "en") == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version v2.1 and v3.0", "version 2.1 and version 3 point 0"),
        ("release 2.1.3 on 192.168.1.1", "release 2 point 1 point 3 on 192 dot 168 dot 1 dot 1"),
        ("open 24/7", "open 24 7"),
        ("on 2026/11/22 or 22.11.2026", "on 2026-11-22 or 2026-11-22"),
        ("20 ℃", "20 °C"),
        ("100 m, 1 m, 3 m/s, 5 m², 10 s", "100 meters, 1 meter, 3 meters per second, 5 square meters, 10 seconds"),
        ("HK$20, US$5, RMB 5 and 10k users", "20 Hong Kong dollars, $5, 5 yuan and 10 thousand users"),
        ("10:30-11:00, $5-$10, 5-10%, 3–5 days", "10:30 to 11:00, $5 to $10, 5 to 10%, 3 to 5 days"),
        ("≥ 5 or ~6", "at least 5 or about 6"),
        ("C# and CO2", "C sharp and C O 2"),
        ("5 * 3", "5 × 3"),
    ],
)
def test_english_that_would_be_misread_is_written_out(text: str, said: str) -> None:
    assert speakable(text, "en") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("会议在2026-11-22 14:05开始", "会议在二零二六年十一月二十二日 十四点零五分开始"),
        ("10:00-12:30营业", "十点整到十二点三十分营业"),
        ("价格是$3.50，打8折", "价格是三点五美元，打八折"),
        ("一共¥1,250元", "一共一千二百五十元"),
        ("涨了5-10%", "涨了百分之五到百分之十"),
        ("气温-3℃", "气温零下三摄氏度"),
        ("时速60 km/h，5km远", "时速六十公里每小时，五公里远"),
        ("2个人，22个，第2次，2月2日", "两个人，二十二个，第二次，二月二日"),
        ("第3名，3-5天", "第三名，三到五天"),
        ("电话13812345678", "电话幺三八幺二三四五六七八"),
        ("版本v2.1", "版本二点一"),
        ("GPT-4和iPhone 15", "GPT四和iPhone 十五"),
        ("访问https://www.example.com/a了解", "访问example点com"),
        ("**重点**：请看[这里](https://example.com)！！！", "重点：请看这里！"),
        ("（笑）*微笑* 你好😀～", "你好"),
        ("# 标题\n- 一\n- 二", "标题。 一。 二。"),
        ("90年代，2005年", "九十年代，二零零五年"),
    ],
)
def test_chinese_is_written_out_in_characters(text: str, said: str) -> None:
    assert speakable(text, "zh") == said


@pytest.mark.parametrize("text", ["", " \n\t", "...", "—", "😀", "***", "```\nx = 1\n```", "*smiles*", "¿!", "\u200d"])
def test_nothing_to_say_is_empty(text: str) -> None:
    assert speakable(text, "en") == speakable(text, "zh") == ""


@given(st.text(max_size=200), st.sampled_from(["en", "zh", "xx"]))
@example("[" * 200, "en")
@example("*" * 199 + "a", "en")
@example("a." * 100, "en")
@example("1." * 100, "zh")
@example("٣ ³ Ⅻ", "zh")
def test_never_raises_and_gives_one_clean_line(text: str, language: str) -> None:
    line = speakable(text, language)
    assert line == line.strip()
    assert not set("\n\r\t*`_|") & set(line)
    assert "  " not in line
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Cn") for char in line)
    assert line == "" or any(map(str.isalnum, line))


markdown = st.lists(
    st.sampled_from(
        [
            "**",
            "*",
            "_",
            "`",
            "```",
            "\n",
            "# ",
            "- ",
            "|",
            "[",
            "](",
            ")",
            "hello",
            "5",
            "%",
            "$",
            "v2.1",
            "10:30",
            "。",
            "3个",
        ]
    )
)


@given(markdown)
def test_any_mixture_of_marks_still_says_its_words(parts: list[str]) -> None:
    text = "start " + " ".join(part for part in parts if part not in ("```", "](", "[", "|")) + " end"
    line = speakable(text, "en")
    assert line.startswith("start")
    assert line.count("hello") == text.count("hello")


@given(st.integers(min_value=0, max_value=10**16 - 1))
@example(10_003)
@example(10_010)
@example(100_010_000)
@example(1_000_100_000_000)
def test_chinese_cardinals_mean_their_number(value: int) -> None:
    assert value_of(cardinal(str(value))) == value


@pytest.mark.parametrize(
    ("digits", "said"),
    [("0", "零"), ("10", "十"), ("12", "十二"), ("101", "一百零一"), ("110", "一百一十"), ("1010", "一千零一十"),
     ("10003", "一万零三"), ("10500", "一万零五百"), ("100001", "十万零一"), ("100010000", "一亿零一万")],
)  # fmt: skip
def test_chinese_cardinals_put_zeros_where_they_are_said(digits: str, said: str) -> None:
    assert cardinal(digits) == said


def value_of(spoken: str) -> int:
    """The number a cardinal stands for."""
    for name, size in (("万亿", 10**12), ("亿", 10**8), ("万", 10**4)):
        if name in spoken:
            left, right = spoken.split(name, 1)
            return value_of(left) * size + value_of(right)
    total, digit = 0, 0
    for char in "一" + spoken if spoken.startswith("十") else spoken:
        if char in "十百千":
            total += digit * 10 ** ("十百千".index(char) + 1)
            digit = 0
        else:
            digit = "零一二三四五六七八九".index(char)
    return total + digit


def test_letters_of_other_scripts_are_dropped() -> None:
    assert only_scripts("Привет Bob, 你好!", ["en"]) == "Bob,!"
    assert only_scripts("Привет", ["en"]) == ""
    assert only_scripts("你好 Bob", ["zh"]) == "你好 Bob"
    assert only_scripts("5 café", ["en"]) == "5 café"
