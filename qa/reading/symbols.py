"""Signs of the fonts Symbol and Wingdings, which files name by a place in the font."""

import re

_SYMBOL = dict(zip("abcdefghijklmnopqrstuvwxyz", "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True))
_SYMBOL |= dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", strict=True))
_SYMBOL |= dict(zip("\xa3\xa5\xab\xac\xae\xb0\xb1\xb3\xb4\xb7\xb8\xb9\xbb\xd6", "≤∞↔←→°±≥×•÷≠≈√", strict=True))  # fmt: skip
_WINGDINGS = dict(zip("o\xa8\xa7\xfb\xfc\xfd\xfe\xd8\xe0\xdf\xe8\xf0", "☐☐▪✗✓☒☑➢→←→⇨", strict=True))
_UNKNOWN = "\ufffd"
# What such fonts leave in a text whose font is not known: the signs of lists, each one character.
_BULLETS = str.maketrans(
    "\uf0a7\uf0a8\uf0b7\uf0d8\uf0e0\uf0fb\uf0fc\uf0fe\uf02d\uf071\uf076", "▪☐•➢→✗✓☑-❑❖"
)
_PRIVATE = re.compile("[\uf020-\uf0ff]")


def with_bullets(text: str) -> str:
    """The text with the signs of lists as everyone reads them, character for character."""
    return text if text.isascii() or not _PRIVATE.search(text) else text.translate(_BULLETS)


def symbol(font: str, code: str) -> str:
    """The sign that a font shows at a place given in hexadecimal; U+FFFD where it is not known."""
    try:
        place = int(code, 16)
    except ValueError:
        return _UNKNOWN
    low = chr(place & 0xFF)
    if font.lower() == "symbol":
        return _SYMBOL.get(low, low if low.isascii() else _UNKNOWN)
    if font.lower().startswith("wingdings"):
        return _WINGDINGS.get(low, _UNKNOWN)
    is_private = 0xE000 <= place <= 0xF8FF
    return _UNKNOWN if is_private or not 0x20 <= place < 0xD800 else chr(place)
