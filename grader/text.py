"""Text of unknown origin, made safe to show: no control character, no direction override, no more than is wanted."""

from __future__ import annotations

# Direction marks, overrides and isolates: they make text read differently from what it says.
_BIDI = frozenset(map(chr, [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
_INVISIBLE = frozenset(
    map(chr, [0x00AD, 0x180E, 0x200B, 0x2028, 0x2029, *range(0x2060, 0x2066), *range(0x206A, 0x2070), 0xFEFF])
) | frozenset(map(chr, range(0xFFF9, 0xFFFC)))


def clean(text: str, limit: int = 2000, *, keep_newlines: bool = True) -> str:
    """`text` with everything escaped that a terminal, a page or a reader could take for more than text."""
    cut = text[:limit]
    kept = "".join(_visible(char, keep_newlines) for char in cut.replace("\r\n", "\n"))
    return kept if len(text) <= limit else f"{kept} … ({len(text) - limit:,} more characters)"


def _visible(char: str, keep_newlines: bool) -> str:
    if char == "\n":
        return char if keep_newlines else " "
    if char == "\t":
        return "    "
    code = ord(char)
    if code < 0x20 or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or char in _BIDI or char in _INVISIBLE:
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return f"\\U{code:08x}" if 0xE0000 <= code <= 0xE0FFF else char  # tags: invisible letters
