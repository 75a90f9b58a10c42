"""`remediator lint -o junit`: a suite for each file, in it a test for each object and for each rule that fails it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from itertools import groupby

from remediator.cli.lint_text import clean
from remediator.lint.judging import File, Judgement
from remediator.lint.problem import Problem
from remediator.model.resource import FUNCTION_GROUP


def as_junit(judged: Judgement) -> str:
    """Write JUnit XML, as CI systems take it: errors and warnings are failures, what cannot be read is an error."""
    top = ET.Element("testsuites", name="remediator lint")
    for file in judged.files:
        shown = file.source.name if file.source else file.name
        found = [each for each in judged.problems if each.file in (shown, file.name)]
        suite = ET.SubElement(top, "testsuite", name=clean(shown))
        suite.extend(_cases(clean(shown), file, found))
        _count(suite)
    _count(top)
    ET.indent(top)
    return ET.tostring(top, encoding="unicode", xml_declaration=True)


def _cases(shown: str, file: File, found: Sequence[Problem]) -> Iterator[ET.Element]:
    """Make the tests of a file: what passed is told by its object's name alone."""
    failed = set()
    ordered = sorted(found, key=lambda each: (each.subject, each.rule.id))
    for (subject, rule), group in groupby(ordered, key=lambda each: (each.subject, each.rule)):
        problems = list(group)
        case = ET.Element("testcase", classname=shown, name=clean(f"{subject}: {rule.id}" if subject else rule.id))
        said = "\n".join(f"{shown}:{each.mark.line}:{each.mark.column}: {clean(each.said)}" for each in problems)
        if any(each.severity.fails for each in problems):
            failed.add(subject)
            kind = "error" if file.unreadable else "failure"
            outcome = ET.SubElement(case, kind, message=clean(problems[0].said), type=rule.id)
            outcome.text = f"{said}\n{rule.why} {rule.fix} See {rule.page}."
        else:
            ET.SubElement(case, "system-out").text = said
        yield case
    for subject in _subjects(file):
        if subject not in failed:
            yield ET.Element("testcase", classname=shown, name=clean(subject))


def _subjects(file: File) -> Iterator[str]:
    for each in file.manifests:
        if each.group == FUNCTION_GROUP:
            yield f"{each.kind} {each.namespace}/{each.name}" if each.namespace else f"{each.kind} {each.name}".rstrip()


def _count(element: ET.Element) -> None:
    for name, path in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        element.set(name, str(sum(1 for _ in element.iter(path))))
