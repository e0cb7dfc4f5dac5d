"""Numbers, dates, money and measures in Chinese text, written in characters as they are said.

pypinyin reads characters only: what no rule here writes out would be silent.
"""

import re
from collections.abc import Callable

_DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿")
_LONGEST_CARDINAL = 16
"""Digits; a longer number is an identifier, and read digit by digit."""

_NUMBER = r"\d+(?:\.\d+)?"
_CLOCK = r"(?<![\d:])(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?![\d:])"
_DASH = r"\s?[-–—~]\s?"
_MONEY = {
    "$": "美元", "US$": "美元", "HK$": "港元", "NT$": "新台币", "€": "欧元", "£": "英镑", "¥": "元", "RMB": "元",
    "CNY": "元",
}  # fmt: skip
_UNITS = {
    "km/h": "公里每小时", "m/s": "米每秒", "km²": "平方公里", "m²": "平方米", "m³": "立方米", "cm²": "平方厘米",
    "km": "公里", "cm": "厘米", "mm": "毫米", "m": "米", "kg": "公斤", "mg": "毫克", "g": "克", "ml": "毫升",
    "mL": "毫升", "L": "升", "GB": "吉字节", "MB": "兆字节", "kWh": "度电", "kW": "千瓦", "W": "瓦", "V": "伏",
    "GHz": "吉赫兹", "MHz": "兆赫兹", "kHz": "千赫兹", "Hz": "赫兹", "dB": "分贝", "ms": "毫秒", "min": "分钟",
    "h": "小时", "s": "秒", "°C": "摄氏度", "°F": "华氏度", "°": "度",
}  # fmt: skip
_COUNTED = "个只位本种年天周岁块元件条张点小分秒克斤公米升台部辆间层家座页句首杯碗瓶双对倍万亿千人名项段步场遍回口份"
"""First characters of what is counted with 两, not 二."""
_SIGNS = {
    "+": "加", "=": "等于", "×": "乘以", "÷": "除以", "≥": "大于等于", "≤": "小于等于", ">": "大于", "<": "小于",
    "≈": "约等于", "≠": "不等于", "±": "正负", "&": "和", "→": "到", "½": "二分之一", "¼": "四分之一",
    "¾": "四分之三", "²": "平方", "³": "立方", "%": "百分之", "№": "号",
}  # fmt: skip


def cardinal(digits: str) -> str:
    """A whole number: "1250" is 一千二百五十, "10003" 一万零三. Over 16 digits they are read one by one."""
    digits = digits.lstrip("0") or "0"
    if digits == "0" or len(digits) > _LONGEST_CARDINAL:
        return one_by_one(digits)
    padded = digits.zfill(_LONGEST_CARDINAL)
    groups = [padded[i : i + 4] for i in range(0, _LONGEST_CARDINAL, 4)]
    spoken = ""
    for name, group in zip(reversed(_GROUPS), groups, strict=True):
        if int(group):
            # 零 stands for the places left out: inside a number each gap between digits that are said has one
            gap = "零" if spoken and (group[0] == "0" or spoken.endswith("零")) else ""
            spoken = spoken.rstrip("零") + gap + _under_ten_thousand(group) + name
        elif spoken:
            spoken = spoken.rstrip("零") + "零"
    spoken = spoken.rstrip("零")
    return spoken.removeprefix("一") if spoken.startswith("一十") else spoken


def _under_ten_thousand(group: str) -> str:
    """Four digits: "0203" is 二百零三."""
    names = [
        _DIGITS[int(digit)] + place if digit != "0" else " "
        for digit, place in zip(group, reversed(_PLACES), strict=True)
    ]
    return re.sub(" +", "零", "".join(names).strip())


def one_by_one(digits: str, one: str = "一") -> str:
    """Digits by their names, as in years; `one` is 幺 in telephone numbers."""
    return "".join(_DIGITS[int(digit)] for digit in digits).replace("一", one)


def number(text: str) -> str:
    """A number with or without decimals."""
    whole, _, decimals = text.partition(".")
    return cardinal(whole) + (f"点{one_by_one(decimals)}" if decimals else "")


def _date(match: re.Match[str]) -> str:
    return f"{one_by_one(match[1])}年{cardinal(match[2])}月{cardinal(match[3])}日"


def _time(match: re.Match[str]) -> str:
    hour = "两" if match[1].lstrip("0") == "2" else cardinal(match[1])
    minute, second = match[2], match[3]
    minutes = "整" if minute == "00" and not second else f"{'零' if minute[0] == '0' else ''}{cardinal(minute)}分"
    return f"{hour}点{minutes}" + (f"{cardinal(second)}秒" if second else "")


def _percent(match: re.Match[str]) -> str:
    return f"百分之{number(match[1])}到百分之{number(match[2])}"


def _temperature(match: re.Match[str]) -> str:
    return f"{'零下' if match[1] else ''}{number(match[2])}{_UNITS[match[3]]}"


def _money(match: re.Match[str]) -> str:
    amount = match[2].rstrip("0").rstrip(".") if "." in match[2] else match[2]
    return f"{number(amount)}{match[3] or ''}{_MONEY[match[1]]}"


def _telephone(match: re.Match[str]) -> str:
    return one_by_one("".join(match.groups()), "幺")


def _parts(match: re.Match[str]) -> str:
    """Versions in numbers, network addresses digit by digit."""
    parts = match[0].split(".")
    return "点".join(map(one_by_one if len(parts) > 3 else cardinal, parts))


def _plain(match: re.Match[str]) -> str:
    """What is left: a leading zero makes an identifier of it."""
    return one_by_one(match[0]) if re.fullmatch(r"0\d+", match[0]) else number(match[0])


def _one_of(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_Replacement = str | Callable[[re.Match[str]], str]
_RULES: tuple[tuple[str, _Replacement], ...] = (
    (r"(?<=\d),(?=\d{3}(?!\d))", ""),
    (r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", _date),
    (r"(?<!\d)([12]\d{3})(?=年)", lambda m: one_by_one(m[1])),
    (rf"{_CLOCK}{_DASH}(?=\d{{1,2}}:\d\d)", lambda m: f"{_time(m)}到"),
    (_CLOCK, _time),
    (r"(?<![\d.])(?:\+86[ -]?)?(1[3-9]\d)[ -]?(\d{4})[ -]?(\d{4})(?!\d)", _telephone),
    (r"(?<![\d.-])(0\d{2,3}|[48]00)-(\d{3,4})-?(\d{4})(?![\d-])", _telephone),
    (r"(?<![\w.])\d+(?:\.\d+){2,}", _parts),
    (rf"({_NUMBER})%?(?:{_DASH}|至|到)({_NUMBER})%", _percent),
    (rf"({_NUMBER})\s?%", lambda m: f"百分之{number(m[1])}"),
    (rf"(?<![\w.])(-)?({_NUMBER})\s?(°[CF]?)(?![A-Za-z])", _temperature),
    (rf"({_one_of(_MONEY)})\s?({_NUMBER})\s?([百千]?[万亿])?元?", _money),
    (r"(?<![\d.])(\d{1,3})/(\d{1,3})(?![\d/])", lambda m: f"{cardinal(m[2])}分之{cardinal(m[1])}"),
    (rf"({_NUMBER}){_DASH}(?={_NUMBER})", lambda m: f"{number(m[1])}到"),
    (r"~\s?(?=\d)", "大约"),
    (rf"({_NUMBER})\s?({_one_of(_UNITS)})(?![A-Za-z])", lambda m: f"{number(m[1])}{_UNITS[m[2]]}"),
    (rf"(?<![\w.)）])-(?={_NUMBER})", "负"),
    (r"(?<![A-Za-z])[vV](?=\d)", "版本"),
    (r"版本版本", "版本"),
    (r"(?:No\.\s?|№)(\d+)", lambda m: f"{cardinal(m[1])}号"),
    (rf"(?<![\d.点第十])2(?=[{_COUNTED}])", "两"),
    (_NUMBER, _plain),
    (rf"[{re.escape(''.join(_SIGNS))}]", lambda m: _SIGNS[m[0]]),
    (r"(?<=[\u4e00-\u9fff])/(?=[\u4e00-\u9fff])", "、"),
    (r"(?<=[A-Za-z])-(?=[\u4e00-\u9fff])", ""),
)
_COMPILED = tuple((re.compile(pattern, re.ASCII), replacement) for pattern, replacement in _RULES)
# ASCII: a digit of another script has no place in these tables, and \w ends where a Chinese character begins


def spell_out(line: str) -> str:
    """`line` with every number in characters; English words in it are left as they are."""
    for pattern, replacement in _COMPILED:
        line = pattern.sub(replacement, line)
    return line
