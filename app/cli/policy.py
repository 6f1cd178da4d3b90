"""`pdledger policy`: a privacy policy from its file to the archive, and what is wrong with it."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.answers import CommandFailed, ExitCode, Json, answer, refused
from app.cli.configuration import read_settings
from app.cli.databases import reached
from app.cli.logging_setup import configure_logging
from app.cli.policy_files import read_bytes, read_policy, read_texts
from app.clock import system_clock
from app.domain.legal_clock import day_of
from app.policy.check import check, diff
from app.policy.linter import Finding, lint
from app.policy.loader import load_packaged_law, packaged_structure, packaged_versions
from app.policy.model import Policy
from app.policy.text import PolicyDocument, TextUnreadable

app = typer.Typer(no_args_is_help=True)

Version = Annotated[
    str,
    typer.Argument(
        help="A version that comes with the program, `impel-1`, or a policy file, `next.toml`."
    ),
]
Texts = Annotated[
    list[str] | None,
    typer.Option("--text", help="The text in one language, as `sv=policy.txt`; may be repeated."),
]


@app.callback()
def policies() -> None:
    """Privacy policies: check, examine, publish and compare their versions."""


@app.command("check")
def check_policy(version: Version, *, as_json: Json = False) -> None:
    """Check that a policy file is whole and consistent, and list what it leaves open.

    Ends with 3 when the file cannot be used, naming every fault; what it leaves open does not
    stop it from being published.
    """
    policy = read_policy(_structure(version))
    remarks = check(policy, load_packaged_law(), system_clock().date())
    document = {"version": policy.version, "remarks": [asdict(remark) for remark in remarks]}
    lines = [f"{policy.version} is valid; {len(remarks)} things are left open."]
    lines += [
        f"  {one.where}: {one.what}" + (f" ({', '.join(one.clauses)})" if one.clauses else "")
        for one in remarks
    ]
    answer({"check": document}, lines, as_json=as_json)


@app.command("lint")
def lint_policy(version: Version, *, text: Texts = None, as_json: Json = False) -> None:
    """Read the text of a policy against its structure and the law, and list what is wrong with it.

    Ends with 1 when there is a finding.
    """
    policy = read_policy(_structure(version))
    texts = read_texts(policy, _named(text or []))
    if not texts:
        raise CommandFailed(
            ExitCode.USAGE, "text-missing", "name the text to read, as --text sv=FILE"
        )
    findings = {language: _lint(policy, language, raw) for language, raw in texts.items()}
    document = {
        language: [asdict(finding) for finding in found] for language, found in findings.items()
    }
    answer(
        {"findings": document},
        [line for language, found in findings.items() for line in _report(language, found)],
        as_json=as_json,
    )
    if any(findings.values()):
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("publish")
def publish_policy(version: Version, *, text: Texts = None, as_json: Json = False) -> None:
    """Publish a policy version, or supply a text of a published one. It is never changed again.

    A text must be byte for byte the one that the policy file names by its SHA-256; any other is
    refused with 3, and nothing is published.
    """
    from app.cli.publication import publish  # noqa: PLC0415  # the whole service, for this one alone
    from app.main import open_service  # noqa: PLC0415  # likewise

    configure_logging("warning")
    structure = _structure(version)
    policy = read_policy(structure)
    texts = read_texts(policy, _named(text or []))
    settings = read_settings()

    async def run() -> tuple[bool, tuple[str, ...]]:
        async with open_service(settings, logins) as service:
            done = await publish(service, structure, texts)
        return done.published, done.texts

    with reached(settings) as logins:
        published, supplied = asyncio.run(run())
    missing = sorted(policy.texts.keys() - texts.keys())
    document = {"version": policy.version, "published": published, "texts": supplied}
    lines = [f"{policy.version} is {'now in force' if published else 'published already'}."]
    if published and policy.effective_from > day_of(system_clock(), load_packaged_law()):
        lines.append(
            f"  It says that it holds from {policy.effective_from}, and decides from now on:"
            " letters and reports name the later day."
        )
    lines += [f"  {language}: the text is in the archive." for language in sorted(texts)]
    lines += [f"  {language}: no text given this time." for language in missing]
    answer({"publication": document}, lines, as_json=as_json)


@app.command("diff")
def diff_policies(before: Version, after: Version, *, as_json: Json = False) -> None:
    """Show every entry that a version adds, removes or changes against another one."""
    changes = diff(read_policy(_structure(before)), read_policy(_structure(after)))
    lines = [_change(asdict(change)) for change in changes] or ["The two are alike."]
    answer({"changes": [asdict(change) for change in changes]}, lines, as_json=as_json)


def _structure(version: str) -> bytes:
    if version in packaged_versions():
        return packaged_structure(version)
    if not version.endswith(".toml"):
        known = ", ".join(packaged_versions())
        raise refused("policy-unknown", f"no such version; the program comes with: {known}")
    return read_bytes(Path(version))


def _named(texts: Iterable[str]) -> dict[str, Path]:
    pairs = [text.partition("=") for text in texts]
    if not all(language and file for language, _, file in pairs):
        raise CommandFailed(ExitCode.USAGE, "text-unusable", "name a text as LANGUAGE=FILE")
    return {language: Path(file) for language, _, file in pairs}


def _lint(policy: Policy, language: str, raw: bytes) -> tuple[Finding, ...]:
    try:
        return lint(policy, load_packaged_law(), PolicyDocument(raw), language)
    except TextUnreadable as failure:
        raise refused("text-unreadable", f"{language}: {failure}") from None


def _report(language: str, findings: Iterable[Finding]) -> Iterable[str]:
    found = list(findings)
    yield f"{language}: {len(found)} findings"
    for one in found:
        lines = f", line {', '.join(map(str, one.lines))}" if one.lines else ""
        yield f"{one.code} [{one.severity}] {one.title} ({', '.join(one.clauses)}{lines})"
        yield f"     {one.detail}"


def _change(change: dict[str, Any]) -> str:
    if change["before"] or change["after"]:
        return f"{change['where']}: '{change['before']}' is now '{change['after']}'"
    return f"{change['where']}: {change['kind']}"
