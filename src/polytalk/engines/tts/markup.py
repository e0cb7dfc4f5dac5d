"""Takes off what is written for the eye: Markdown, HTML, addresses, stage directions."""

import re

_FENCE = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_STRAY_FENCE = re.compile(r"(?:```|~~~)\w*")
_COMMENT_OR_TAG = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>\n]*>", re.DOTALL)
_TARGET = r"\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"\n]*\")?\)"
_IMAGE_OR_LINK = re.compile(rf"!?\[([^\[\]\n]*)\](?:{_TARGET}|\[[^\]\n]*\])")
_REFERENCE = re.compile(r"\[\^?\d+\]|【\d+[^】\n]*】|^[ \t]*\[[^\]\n]+\]:[ \t]*\S+.*$", re.MULTILINE)

_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+|[^<>\s@]+@[^<>\s]+)>")
_EMAIL = re.compile(r"(?:mailto:)?([A-Za-z0-9_.+-]+)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_TOP_LEVEL = "com|org|net|io|ai|dev|app|edu|gov|info|cn|uk|de|fr|jp|eu|me|co"
_PATH = r"""[^\s，。；、！？）》」<>"']*(?<![.,;:!?])"""
_URL = re.compile(
    r"""(?<![a-z0-9])(?:[a-z][a-z0-9+.-]{1,9}://(?:www\.)?|www\.)([^\s/?#:@，。；、！？）》」<>"']+)"""
    rf"(?::\d+)?(?:[/?#]{_PATH})?"
    rf"|(?<![a-z0-9.@-])((?:[a-z0-9-]+\.)+(?:{_TOP_LEVEL}))(?![a-z0-9@-]|\.[a-z0-9])(?:/{_PATH})?",
    re.IGNORECASE,
)
_ADDRESS_WORDS = {"zh": ("点", "艾特")}
"""How a language reads the dot and the @ of an address, if not as English does."""

_RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE)
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+$", re.MULTILINE)
_TABLE_ROW = re.compile(r"^[ \t]*\|(.*?)\|?[ \t]*$", re.MULTILINE)
_QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.*?)[ \t]*#*$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:[-*+•‣◦·▪–][ \t]+)(?:\[[ xX]\][ \t]+)?(.*)$", re.MULTILINE)
_BREAK = re.compile(r"[ \t]*\n\s*")
_CODE = re.compile(r"`+([^`\n]*)`+")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS = re.compile(
    r"(?<![\w*])\*(?=[^\s*])([^*\n]*?)(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])([^_\n]*?)(?<=[^\s_])_(?!\w)"
)
_ENDS = ".!?…:;,—。！？：；，、"

_ACTS = (
    r"(?:smiles|laughs|sighs|chuckles|nods|winks|grins|giggles|whispers|coughs|pauses|shrugs|waves|blushes|gasps|groans|"
    r"yawns|smirks|frowns|snickers|sniffs|sobs|cries|claps|bows|hugs|thinks|breathes|clears|shakes|tilts|raises|rolls|"
    r"leans|looks|gazes|glances|gestures|beams|hums|sings|pats)"
)
_ONGOING = (
    r"(?:smiling|laughing|sighing|chuckling|nodding|winking|grinning|giggling|whispering|coughing|crying|laughter|"
    r"applause|sigh|laugh|pause|music)"
)
_ACTION = rf"(?:\w+ly )?(?:{_ACTS}|{_ONGOING})(?: \w+ly)?"
_CHINESE_ACTION = (
    r"[\u4e00-\u9fff]{0,4}(?:笑|叹气|叹了口气|点头|摇头|眨眼|挥手|鼓掌|鞠躬|沉默|停顿|思考|耸肩|害羞|惊讶|低声|小声|哭|"
    r"咳嗽|清嗓子)[\u4e00-\u9fff]{0,4}"
)
_STAGE_DIRECTION = re.compile(
    rf"[(\[](?:{_ACTION})[)\]]|[（(【\[](?:{_CHINESE_ACTION})[）)】\]]"
    rf"|(?<!\*)\*(?:{_ACTION}|{_ACTS} [\w' ,]{{1,60}}|{_CHINESE_ACTION})[.…!~]?\*(?!\*)",
    re.IGNORECASE,
)
"""In brackets only a plain action, because brackets hold asides too; between stars also a longer one."""


def strip_markup(text: str, language: str) -> str:
    """The words of a Markdown text on one line; addresses as their host is read, without scheme and path.

    Blocks of code are left out. Headings, list items and rows of tables become sentences.
    """
    text = _STRAY_FENCE.sub(" ", _FENCE.sub("\n", text))
    text = _COMMENT_OR_TAG.sub(" ", _AUTOLINK.sub(r"\1", text))
    text = _REFERENCE.sub("", _IMAGE_OR_LINK.sub(r"\1", text))
    text = _addresses(_STAGE_DIRECTION.sub(" ", text), *_ADDRESS_WORDS.get(language, (" dot ", " at ")))
    text = _blocks(text, "。" if language == "zh" else ".")
    text = _STRONG.sub(r"\2", _CODE.sub(r"\1", text))
    return _EMPHASIS.sub(lambda match: match[1] or match[2], text)


def _addresses(text: str, dot: str, at: str) -> str:
    text = _EMAIL.sub(lambda match: f"{match[1].replace('.', dot)}{at}{match[2].replace('.', dot)}", text)

    def host(match: re.Match[str]) -> str:
        whole: str = match[1] or match[2]
        bare = whole.rstrip(".,;:!?)")
        return bare.strip(".").replace(".", dot) + whole[len(bare) :]

    return _URL.sub(host, text)


def _blocks(text: str, stop: str) -> str:
    """Lines joined; those that are an item by themselves end in a full stop."""

    def item(line: str) -> str:
        return line if not line or line[-1] in _ENDS else line + stop

    def row(match: re.Match[str]) -> str:
        return item(", ".join(cell.strip() for cell in match[1].split("|") if cell.strip()))

    text = _TABLE_ROW.sub(row, _RULE.sub("", _TABLE_RULE.sub("", text)))
    text = _HEADING.sub(lambda match: item(match[1].strip()), _QUOTE.sub("", text))
    text = _BULLET.sub(lambda match: item(match[1].strip()), text)
    return _BREAK.sub(" ", text.strip())
