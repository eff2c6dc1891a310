"""What a mail in HTML quotes: the marks that programs for mail set around it."""

import re
from itertools import islice
from typing import Any

_AROUND = frozenset(
    [
        *("gmail_quote", "gmail_extra", "yahoo_quoted", "protonmail_quote", "moz-cite-prefix"),
        *("tutanota_quote", "zmail_extra", "OutlookMessageHeader", "x_gmail_quote"),
    ]
)
_BELOW = frozenset(["divRplyFwdMsg", "x_divRplyFwdMsg", "appendonsend", "mail-editor-reference"])
_SENT = re.compile(
    r"\s*\*?(?:From|Von|De|Da|Van|Fra|Fr\u00e5n|L\u00e4hett\u00e4j\u00e4|Od|\u041e\u0442)\s*:",
    re.IGNORECASE,
)
_LINE_ABOVE = re.compile(r"border-top\s*:\s*solid", re.IGNORECASE)
_BLOCKS = ("blockquote", "div")


def is_quoted(element: Any) -> bool:
    """True for an element that holds words of an earlier mail, or that stands above them."""
    if element.tag not in _BLOCKS or not element.attrib:
        return False
    if element.tag == "blockquote" and (element.get("type") or "").lower() == "cite":
        return True
    return bool(_AROUND & set((element.get("class") or "").split())) or heads_reply(element)


def heads_reply(element: Any) -> bool:
    """True for what Outlook sets above the mail that is answered, which goes on to the end."""
    if element.get("id") in _BELOW:
        return True
    if not _LINE_ABOVE.search(element.get("style") or ""):
        return False
    return _SENT.match("".join(islice(element.itertext(), 20))) is not None
