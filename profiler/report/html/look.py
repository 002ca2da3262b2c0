"""How the lots of a page look: a colour of the variant's own, a marker, a dash; and the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.analysis.curves import Identity
from profiler.report.html.markup import Markup

# Light and dark: Okabe and Ito's colour-blind safe hues (https://jfly.uni-koeln.de/color/), the same as on the screen.
_VARIANTS = {
    ("no-compile", None): ("#b06a00", "#e69f00"),
    ("compile", None): ("#0072b2", "#56b4e9"),
    ("regional-compile", None): ("#00785a", "#00b386"),
    ("regional-compile", "accelerate"): ("#a04a7c", "#cc79a7"),
}
_OTHER = ("#666666", "#a5a5a5")
_MARKERS = {
    ("no-compile", None): "circle",
    ("compile", None): "triangle",
    ("regional-compile", None): "square",
    ("regional-compile", "accelerate"): "diamond",
}
_DASHES = (None, "7 3", "2 3", "9 3 2 3", "4 2")
STAGES = (("#0072b2", "#56b4e9"), ("#b06a00", "#e69f00"), ("#00785a", "#00b386"), ("#a04a7c", "#cc79a7"))
PARTS = 6
"""Classes of stages: four hues, a grey and a light grey for what is left."""


@dataclass(frozen=True, slots=True)
class Look:
    """``css`` is the class whose colour is the lot's. ``hollow``: its marker is an outline."""

    css: str
    marker: str
    hollow: bool
    dash: str | None


def looks(who: Sequence[Identity]) -> dict[Identity, Look]:
    """The look of each lot: hue and marker by variant and engine; of several of one kind the shade, the filling of the
    marker and the dash differ, so that no two of the first ten look alike even without colours.
    """
    return {
        one: Look(f"l{number}", _MARKERS.get(_kind(one), "down"), one.nth % 2 == 1, _DASHES[one.nth % len(_DASHES)])
        for number, one in enumerate(who)
    }


def _kind(one: Identity) -> tuple[str, str | None]:
    """The usual engine isn't told apart from none."""
    return one.variant, one.engine if (one.variant, one.engine) in _VARIANTS else None


def style_sheet(who: Sequence[Identity]) -> Markup:
    """All of the page's style: nothing is fetched."""
    light = [f".l{number}{{--c:{_hue(one)[0]}}}" for number, one in enumerate(who)]
    dark = [f".l{number}{{--c:{_hue(one)[1]}}}" for number, one in enumerate(who)]
    for number, (on_light, on_dark) in enumerate((*STAGES, ("#777777", "#999999"), ("#bbbbbb", "#555555"))):
        light.append(f".t{number}{{--c:{on_light}}}")
        dark.append(f".t{number}{{--c:{on_dark}}}")
    return Markup(_SHEET.replace("/*light*/", "".join(light)).replace("/*dark*/", "".join(dark)))


def _hue(one: Identity) -> tuple[str, str]:
    light, dark = _VARIANTS.get(_kind(one), _OTHER)
    return _shade(light, one.nth, dark=False), _shade(dark, one.nth, dark=True)


def _shade(colour: str, nth: int, *, dark: bool) -> str:
    """The ``nth`` shade of a colour; three of them keep their contrast on the background."""
    toward, share = ((0, 0.0), (255 if dark else 0, 0.4), (0 if dark else 255, 0.25))[nth % 3]
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (toward - part) * share):02x}" for part in parts)


_SHEET = """
:root{color-scheme:light dark;--bg:#ffffff;--fg:#1c1f23;--dim:#5c636b;--line:#d7dbe0;--soft:#f3f5f7;
--good:#00703f;--bad:#b3261e;--warn:#8a5a00}
/*light*/
@media screen and (prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e4e7ea;--dim:#9aa3ac;--line:#353b42;
--soft:#1d2226;--good:#4cc38a;--bad:#ff8a80;--warn:#f0b429}/*dark*/}
*{box-sizing:border-box}
body{margin:0 auto;max-width:74rem;padding:1.5rem;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{margin:.4rem 0;max-width:60rem}
.dim{color:var(--dim)}
.small{font-size:.85rem}
ul{margin:.3rem 0;padding-left:1.2rem}
li{margin:.15rem 0;overflow-wrap:anywhere}
.verdicts{list-style:none;padding:0;font-size:1.05rem}
.verdicts li{padding:.45rem .8rem;margin:.4rem 0;border-left:5px solid var(--c,var(--line));background:var(--soft)}
.FASTER{color:var(--good);font-weight:700}
.SLOWER{color:var(--bad);font-weight:700}
.SAME,.UNCLEAR{font-weight:700}
.warn{color:var(--warn)}
.bad{color:var(--bad)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.86rem;margin:.4rem 0}
th,td{padding:.22rem .6rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--dim)}
tbody th{color:var(--fg)}
thead th{vertical-align:bottom;border-bottom:2px solid var(--line)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td.n{white-space:nowrap}
td.long{min-width:18rem;max-width:34rem;overflow-wrap:anywhere}
.case{white-space:nowrap}
code{font-family:ui-monospace,"Cascadia Mono",Menlo,"DejaVu Sans Mono",monospace;font-size:.92em}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1.2rem 1.6rem}
figure{margin:0;min-width:0;break-inside:avoid}
figcaption{font-weight:600;margin-bottom:.15rem}
figcaption small{display:block;font-weight:400;color:var(--dim);font-size:.82rem}
figure details{font-size:.86rem;color:var(--dim)}
.key{list-style:none;padding:0;margin:.2rem 0;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.85rem}
.key li{white-space:nowrap}
svg{display:block;width:100%;height:auto}
svg.swatch{display:inline-block;width:30px;height:12px;vertical-align:-1px}
svg text{font:12.5px system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:var(--fg)}
svg .tick{fill:var(--dim)}
svg .grid{stroke:var(--line);stroke-width:1;fill:none}
svg .edge{stroke:var(--dim);stroke-width:1;fill:none}
svg .line{stroke:var(--c);stroke-width:1.6;fill:none;stroke-linejoin:round}
svg .many .line{stroke-width:1;opacity:.75}
svg .band{fill:var(--c);opacity:.17;stroke:none}
svg .bar{fill:var(--c);opacity:.85;stroke:none}
svg .soft{fill:var(--c);opacity:.3;stroke:none}
svg .mark{fill:var(--c);stroke:var(--c);stroke-width:1.2}
svg .hollow{fill:var(--bg)}
svg .whisker{stroke:var(--fg);stroke-width:1.4;fill:none}
svg .zone{fill:var(--dim);opacity:.12}
svg .in{font-size:9.5px}
svg .onbar{fill:#fff;font-weight:600}
svg .out{stroke:var(--c);stroke-width:1.3;fill:none}
.pictures{display:flex;flex-wrap:wrap;gap:1rem}
.pictures figure{max-width:18rem}
.pictures img{max-width:100%;min-width:8rem;height:auto;image-rendering:auto;border:1px solid var(--line)}
@media print{html{font-size:11px}body{max-width:none;padding:0;font-size:11px}h2{break-after:avoid}table{font-size:9px}
.charts{grid-template-columns:1fr 1fr}.scroll{overflow:visible}
.case,td.n{white-space:normal}td.long{min-width:0}th,td{padding:.15rem .3rem}
tr{break-inside:avoid}details{display:none}}
"""
