"""The first row: which session, on what, and how it stands."""

from __future__ import annotations

from tui.panels.lines import Panel
from tui.panels.rows import Part, Rows, spread
from tui.pictures.live import Heading
from tui.pictures.names import STATE_ASCII, STATE_STYLES, STATE_SYMBOLS


class HeadingPanel(Panel[Heading]):
    """One row; what doesn't fit is cut from the workload's end."""

    DEFAULT_CSS = "HeadingPanel { height: 1; }"

    def lay_out(self, width: int, height: int) -> Rows:
        heading = self.value
        left: list[Part] = [(heading.session, "bold")]
        if heading.device:
            left += [("  ", ""), (heading.device, "")]
        if heading.workload:
            left += [("  ", ""), (heading.workload, "quiet")]
        return (spread(left, self._right(heading), width, ascii=self.ascii),)

    def _right(self, heading: Heading) -> list[Part]:
        parts: list[Part] = []
        if heading.warning:
            parts += [(heading.warning, "warn"), ("  ", "")]
        if heading.paused:
            parts += [("view paused", "warn"), ("  ", "")]
        if heading.copied:
            parts += [("copied", "warn"), ("  ", "")]
        if heading.loading:
            return [*parts, ("reading", "quiet")]
        style = STATE_STYLES.get(heading.state, "")
        symbol = (STATE_ASCII if self.ascii else STATE_SYMBOLS).get(heading.state, "")
        parts.append((f"{symbol} {heading.state}".strip(), style))
        if heading.elapsed:
            parts.append(
                (f" {'after ' if heading.state not in ('running', 'starting') else ''}{heading.elapsed}", "quiet")
            )
        return parts
