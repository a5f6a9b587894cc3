"""The figures as a table for the terminal, as one for the docs, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs" / "performance.md"
PICTURE = DOCS.with_name("performance.svg")
BEGIN, END = "<!-- {}: written by `python -m benchmarks", "<!-- end of {} -->"
PICTURED = ("tlswire", "floor", "tshark", "ssldump")
CALLED = {"floor": "by hand"}


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}" if seconds * factor < 1000 else f"{seconds * factor:.0f} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def rows(benchmark: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row a subject: its name, time, memory, ours to it, what is wanted, whether it is met."""
    wanted = {ratio["to"]: ratio for ratio in benchmark["ratios"]}
    ours = benchmark["seconds"].get("tlswire")
    for subject, seconds in benchmark["seconds"].items():
        memory = f"{benchmark['memory'][subject] / 1e6:.0f} MB" if subject in benchmark["memory"] else ""
        ratio = hope = met = ""
        if (held := wanted.get(subject)) is not None:
            ratio, hope, met = f"{held['ratio']:.2f}", held["wanted"], "yes" if held["met"] else "no"
            ratio = f"{ratio} x its time" if hope.startswith("at most") else f"{ratio} x as fast"
        elif ours is not None and subject != "tlswire":
            ratio = (
                f"{ours / seconds:.2f} x its time"
                if subject in ("floor", "nothing")
                else f"{seconds / ours:.1f} x as fast"
            )
        yield CALLED.get(subject, subject), duration(seconds), memory, ratio, hope, met
    for subject, why in benchmark["missing"].items():
        yield subject, "", "", f"({why})", "", ""


def terminal(results: dict[str, Any]) -> str:
    """The table as text."""
    lines = []
    for benchmark in results["benchmarks"]:
        lines.append(f"\n{benchmark['name']}: {benchmark['item']}")
        for subject, seconds, memory, ratio, hope, met in rows(benchmark):
            mark = {"yes": "met", "no": "NOT MET", "": ""}[met]
            lines.append(f"  {subject:<30} {seconds:>9} {memory:>8}  {ratio:<20} {hope:<14} {mark}".rstrip())
        if benchmark["floor_without"] and "floor" in benchmark["seconds"]:
            lines.append(f"  by hand there is nothing of: {benchmark['floor_without']}")
    held = [ratio["met"] for benchmark in results["benchmarks"] for ratio in benchmark["ratios"]]
    lines.append(f"\n{sum(held)} of {len(held)} ratios met")
    return "\n".join(lines)


def markdown(results: dict[str, Any]) -> str:
    """The table for the docs."""
    lines = []
    for process, title in ((False, "One task, inside a process"), (True, "Whole jobs, as processes")):
        lines += [f"### {title}", ""]
        lines += ["| | by | time | memory | tlswire is | wanted | met |", "|---|---|--:|--:|--:|---|---|"]
        notes: dict[str, str] = {}
        for benchmark in results["benchmarks"]:
            if benchmark["process"] != process:
                continue
            first = f"{benchmark['name']}: {benchmark['item']}"
            for row in rows(benchmark):
                lines.append("| " + " | ".join((first, *row)) + " |")
                first = ""
            if benchmark["floor_without"] and "floor" in benchmark["seconds"]:
                notes[benchmark["name"].split("-")[0]] = benchmark["floor_without"]
        lines.append("")
        if notes:
            lines += ["What the code by hand leaves out, and wins by:", ""]
            names = {"client": "client-hello", "certificate": "certificate-request"}
            lines += [f"- `{names.get(name, name)}`: {left_out}" for name, left_out in notes.items()] + [""]
    machine = {name: value for name, value in results["machine"].items() if value}
    described = "; ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join([*lines, f"Medians of {results['rounds']} rounds. {described[0].upper()}{described[1:]}.", ""])


def document(results: dict[str, Any]) -> None:
    """Puts the table and the picture into the docs."""
    insert("figures", markdown(results))
    PICTURE.write_text(picture(results))


def insert(section: str, text: str) -> None:
    """Puts text into the docs, in place of what is between the marks of a section."""
    begin, end = BEGIN.format(section), END.format(section)
    head, rest = DOCS.read_text().split(begin)
    command, _, rest = rest.partition("\n")
    _, tail = rest.split(end)
    DOCS.write_text(f"{head}{begin}{command}\n\n{text}\n{end}{tail}")


COLOURS = {"tlswire": "#2f81f7", "floor": "#9aa4af", "tshark": "#d29922", "ssldump": "#bf6a9b"}
GREY = "#7d8590"  # of the text: 4:1 on white and on black


def picture(results: dict[str, Any]) -> str:
    """Bars of seconds, one group a job, on no background: it is read on light and on dark."""
    jobs = [one for one in results["benchmarks"] if one["process"] and "tshark" in one["seconds"]]
    longest = max((one["seconds"][s] for one in jobs for s in PICTURED if s in one["seconds"]), default=1.0)
    parts, y, left, width = [], 40, 250, 400
    for number, subject in enumerate(PICTURED):
        x = left + number * 105
        parts.append(f'<rect x="{x}" y="10" width="11" height="11" fill="{COLOURS[subject]}"/>')
        parts.append(f'<text x="{x + 16}" y="20">{CALLED.get(subject, subject)}</text>')
    for job in jobs:
        present = [subject for subject in PICTURED if subject in job["seconds"]]
        parts.append(f'<text x="{left - 10}" y="{y + 7 * len(present)}" text-anchor="end">{escape(job["item"])}</text>')
        for subject in present:
            seconds = job["seconds"][subject]
            length = max(1.0, seconds / longest * width)
            bar = f'x="{left}" y="{y}" width="{length:.1f}" height="11" rx="1.5" fill="{COLOURS[subject]}"'
            parts.append(f"<rect {bar}/>")
            parts.append(f'<text x="{left + length + 5:.1f}" y="{y + 10}">{duration(seconds)}</text>')
            y += 14
        y += 12
    size = f'width="{left + width + 70}" height="{y}" viewBox="0 0 {left + width + 70} {y}"'
    style = f'font-family="system-ui, sans-serif" font-size="12" fill="{GREY}"'
    body = "\n".join(parts)
    title = "Seconds from a capture and the key to the plaintext, or to its story"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style} role="img">\n<title>{title}</title>\n{body}\n</svg>\n'
    )
