"""telesurgery graph: nodes and streams as tables, from the tables that the nodes themselves are made from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from teleop_cli.access_policy import policy_xml
from teleop_core.contract import STREAMS, Stream
from teleop_core.graph import SessionOptions, node_graph

STREAM_HEADINGS = ("topic", "type", "from", "to", "rate", "intent")
NODE_HEADINGS = ("node", "side", "simulation only")


def stream_rows() -> list[tuple[str, ...]]:
    """One row per stream of the contract."""
    return [
        (
            row.topic,
            row.type.replace("/msg/", "/"),
            row.source,
            ", ".join(row.sinks) or "-",
            _rate(row),
            row.intent.value,
        )
        for row in STREAMS.values()
    ]


def _rate(row: Stream) -> str:
    if row.silent:
        return "never"
    return (f"{row.rate:g} Hz" if row.rate else "event") + ("" if row.recorded else ", while heard")


def node_rows() -> list[tuple[str, ...]]:
    """One row per node of the graph, in the order in which they start."""
    on_hardware = {spec.node for spec in node_graph(SessionOptions(sim=False, remote="robot"))}
    nodes = {spec.node: spec for side in ("both", "console") for spec in node_graph(SessionOptions(side=side))}
    return [
        (name, spec.side, "no" if name in on_hardware or spec.side == "console" else "yes")
        for name, spec in nodes.items()
    ]


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]], code_columns: int) -> Iterator[str]:
    """Lines of a Markdown table; the first columns are set as code."""
    yield "| " + " | ".join(headings) + " |"
    yield "|" + "---|" * len(headings)
    for row in rows:
        yield "| " + " | ".join(f"`{cell}`" if i < code_columns else cell for i, cell in enumerate(row)) + " |"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="as Markdown, for the documentation")
    form.add_argument("--sros2", action="store_true", help="who may publish and hear what, as an SROS2 policy")
    parser.add_argument("--namespace", default="", metavar="NAME", help="namespace of the session, for --sros2")


def graph(arguments: argparse.Namespace) -> int:
    """Print both tables, or the policy that follows from them."""
    if arguments.sros2:
        print(policy_xml(arguments.namespace), end="")
        return 0
    tables = ((NODE_HEADINGS, node_rows(), 1), (STREAM_HEADINGS, stream_rows(), 2))
    if arguments.markdown:
        print("\n\n".join("\n".join(markdown(*table)) for table in tables))
        return 0
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for headings, rows, _ in tables:
        table = Table(*headings, box=box.SIMPLE)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    return 0
