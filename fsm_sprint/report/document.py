"""JSON documents on stdout: one for each call, with `"version": 1`, in text that any stream can take."""

import json
import re
from typing import Any

Document = dict[str, Any]

_SURROGATE = re.compile("[\ud800-\udfff]")


def printed(value: object) -> str:
    """A value as JSON on one line. Half a surrogate pair, which no stream takes, stands as its escape."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() else _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
