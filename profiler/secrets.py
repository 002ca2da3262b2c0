"""Keys and passwords in texts: a log is kept, copied and shown, so none of them may get into it."""

from __future__ import annotations

import re

_SECRET = re.compile(
    # At the begin of a word. JSON writes a line's end as a letter, and others as numbers; a colour ends with an m.
    r"(?=[hagsAxBb])(?:(?<![A-Za-z0-9_])|(?<=\\[nrtbf])|(?<=\\u[0-9a-f]{4})|(?<=[\[;][0-9]m)|(?<=[\[;][0-9]{2}m))(?:"
    r"(?P<login>hf_(?:oauth|jwt)_)[A-Za-z0-9]{12,}[A-Za-z0-9._-]*"
    r"|(?P<hub>hf_)[A-Za-z0-9]{8,}"
    r"|(?P<org>api_org_)[A-Za-z0-9]{8,}"
    r"|(?P<git>(?:gh[oprsu]_|github_pat_|glpat-))\w{16,}"
    r"|(?P<key>sk-)[A-Za-z0-9_-]{16,}"
    r"|(?P<cloud>(?:AKIA|ASIA|AIza))[A-Za-z0-9_-]{16,}"
    r"|(?P<chat>xox[abprs]-)[A-Za-z0-9-]{10,}"
    r"|(?P<bearer>[Bb]earer |BEARER )[A-Za-z0-9._~+/=-]{8,}"
    r")|(?P<url>://)[^\s/\"'<>\\]+(?=@)"  # a password may hold an @ itself
    r"|(?P<query>(?i:[?&][a-z_-]{0,40}(?:token|api_?key|secret|signature|password)=))[^\s\x1b&#\"'<>\\]+"
)


def redacted(text: str) -> str:
    """``text`` without the secrets whose form is known: ``hf_...``, ``https://...@host``.

    Tokens of the hub, of GitHub, GitLab and the like, API keys, bearer tokens, the user and password of an address, and
    what it is signed with.
    """
    # Most texts have none of what begins one: written out, since every record with text comes through here.
    if (
        "hf_" in text
        or "://" in text
        or "sk-" in text
        or "earer " in text
        or "AKIA" in text
        or "AIza" in text
        or "xox" in text
        or "api_org_" in text
        or "github_pat_" in text
        or "ghp_" in text
        or "gho_" in text
        or "ghs_" in text
        or "ghu_" in text
        or "ghr_" in text
        or "ASIA" in text
        or "BEARER " in text
        or "glpat-" in text
    ):
        return _SECRET.sub(_shown, text)
    return text


def _shown(found: re.Match[str]) -> str:
    return f"{found[found.lastgroup or 0]}..."
