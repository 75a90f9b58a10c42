"""How the controller was started: its arguments, as Kubernetes fills them in and pflag reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from remediator.kubernetes.controller_flags import Flags, read_flags
from remediator.kubernetes.deployment import Container
from remediator.kubernetes.transport import Transport
from tests.kubernetes.controllers import Deploy, facts

Json = dict[str, Any]


def env(name: str, value: str) -> Json:
    return {"name": name, "value": value}


def elsewhere(name: str) -> Json:
    return {"name": name, "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}


def own(name: str, field: str = "metadata.namespace") -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}}


def flags(*args: str, environment: list[Json] | None = None, command: list[str] | None = None) -> Flags:
    """Read the flags of a container in namespace ack-here."""
    container = {"image": "x", "args": list(args), "env": environment or [], "command": command}
    return read_flags(msgspec.convert(container, Container), "ack-here")


# ---- what it watches -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "environment", "watched"),
    [
        pytest.param([], [], (), id="all, by default"),
        pytest.param(["--watch-namespace", ""], [], (), id="all, as the chart writes it"),
        pytest.param(["--watch-namespace", "shop"], [], ("shop",), id="one"),
        pytest.param(["--watch-namespace=shop"], [], ("shop",), id="one, with an equals sign"),
        pytest.param(["--watch-namespace=shop,post, ops ,"], [], ("ops", "post", "shop"), id="several"),
        pytest.param(
            ["--aws-region", "$(AWS_REGION)", "--watch-namespace", "$(ACK_WATCH_NAMESPACE)", "--log-level", "info"],
            [env("AWS_REGION", "eu-west-1"), env("ACK_WATCH_NAMESPACE", "shop,post")],
            ("post", "shop"),
            id="by reference",
        ),
        pytest.param(
            ["--watch-namespace=$(ACK_WATCH_NAMESPACE)"], [env("ACK_WATCH_NAMESPACE", "")], (), id="an empty reference"
        ),
        pytest.param(["--watch-namespace=team-$(TEAM)"], [env("TEAM", "a")], ("team-a",), id="a reference within"),
        pytest.param(
            ["--watch-namespace", "$(ACK_WATCH_NAMESPACE)"],
            [{"name": "ACK_WATCH_NAMESPACE", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}],
            (),
            id="a reference to what is elsewhere",
        ),
        pytest.param(["--watch-namespace"], [], (), id="a flag without a value"),
        pytest.param(["--watch-namespaces=shop"], [], (), id="another flag"),
    ],
)
def test_the_namespaces_it_watches(
    transport: Transport,
    deploy: Deploy,
    args: list[str],
    environment: list[Json],
    watched: tuple[str, ...],
) -> None:
    deploy(args=args, env=environment)
    found = facts(transport)
    assert sorted(found.watched_namespaces) == sorted(watched)
    assert found.watches("shop") is (not watched or "shop" in watched)


# ---- how arguments are read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "environment", "watched"),
    [
        pytest.param(["--watch-namespace=a", "--watch-namespace", "b"], [], ("b",), id="the last one counts"),
        pytest.param(["--watch-namespace=$(A)"], [env("A", "a"), env("A", "b")], ("b",), id="also of variables"),
        pytest.param(["--watch-namespace=$(B)"], [env("A", "a"), env("B", "$(A)-b")], ("a-b",), id="by way of another"),
        pytest.param(["--watch-namespace=$$(A)"], [env("A", "a")], ("$(A)",), id="escaped"),
        pytest.param(["--watch-namespace=$$$(A)"], [env("A", "a")], ("$a",), id="escaped before a reference"),
        pytest.param(["--watch-namespace=$(A"], [env("A", "a")], ("$(A",), id="not closed"),
        pytest.param(["$(FLAG)"], [env("FLAG", "--watch-namespace=a")], ("a",), id="a whole flag"),
        pytest.param(["--", "--watch-namespace=a"], [], (), id="after the end of the flags"),
        pytest.param(["a", "-v", "--watch-namespace=a"], [], ("a",), id="behind other words"),
        pytest.param(["--enable-carm", "--watch-namespace=a"], [], ("a",), id="behind a flag without value"),
        pytest.param(["--log-level", "--watch-namespace=a"], [], (), id="as another flag's value"),
    ],
)
def test_arguments_are_read_as_kubernetes_and_pflag_do(
    args: list[str], environment: list[Json], watched: tuple[str, ...]
) -> None:
    found = flags(*args, environment=environment)
    assert (found.watched_namespaces, found.unknown) == (watched, ())


def test_flags_can_stand_in_the_command() -> None:
    assert flags(command=["./bin/controller", "--watch-namespace=a"]).watched_namespaces == ("a",)
    both = flags("--watch-namespace=b", command=["./bin/controller", "--watch-namespace=a"])
    assert both.watched_namespaces == ("b",)


@pytest.mark.parametrize(
    "args", [["--watch-namespace", "$(A)"], ["--watch-namespace=$(A)"], ["--watch-namespace=x,$(A)"]]
)
@pytest.mark.parametrize("environment", [[], [elsewhere("A")], [own("A", "metadata.uid")]])
def test_what_stands_elsewhere_is_unknown(args: list[str], environment: list[Json]) -> None:
    found = flags(*args, environment=environment)
    assert (found.watched_namespaces, found.unknown) == ((), ("--watch-namespace",))


def test_what_is_unknown_is_told(transport: Transport, deploy: Deploy) -> None:
    deploy(args=["--watch-selectors=$(S)", "--deletion-policy=$(P)", "--resource-tags=$(T)"], env=[elsewhere("P")])
    assert facts(transport).unsure == "--deletion-policy cannot be read; --watch-selectors cannot be read"


# ---- what they say ---------------------------------------------------------------------------------------------------


def test_nothing_is_said_and_the_controllers_own_defaults_hold() -> None:
    assert flags() == Flags(
        concurrency=1,
        resync=timedelta(hours=10),
        deletion_policy="delete",
        carm=True,
        system_namespace="ack-system",
    )


def test_the_chart_writes_them_by_reference() -> None:
    found = flags(
        *("--aws-region", "$(AWS_REGION)", "--aws-endpoint-url", "$(AWS_ENDPOINT_URL)"),
        *("--watch-namespace", "$(ACK_WATCH_NAMESPACE)", "--watch-selectors", "$(ACK_WATCH_SELECTORS)"),
        *("--reconcile-resources", "$(RECONCILE_RESOURCES)", "--deletion-policy", "$(DELETION_POLICY)"),
        *("--reconcile-default-resync-seconds", "$(RECONCILE_DEFAULT_RESYNC_SECONDS)"),
        *("--reconcile-resource-resync-seconds", "$(RECONCILE_RESOURCE_RESYNC_SECONDS_ALIAS)"),
        *("--reconcile-resource-resync-seconds", "$(RECONCILE_RESOURCE_RESYNC_SECONDS_FUNCTION)"),
        *("--reconcile-default-max-concurrent-syncs", "$(RECONCILE_DEFAULT_MAX_CONCURRENT_SYNCS)"),
        *("--feature-gates", "$(FEATURE_GATES)", "--enable-carm=false", "--enable-cross-namespace=true"),
        environment=[
            own("ACK_SYSTEM_NAMESPACE"),
            env("AWS_REGION", "eu-west-1"),
            {"name": "AWS_ENDPOINT_URL"},
            {"name": "ACK_WATCH_NAMESPACE"},
            env("ACK_WATCH_SELECTORS", "team=shop"),
            env("RECONCILE_RESOURCES", "Alias,Function"),
            env("DELETION_POLICY", "retain"),
            env("RECONCILE_DEFAULT_RESYNC_SECONDS", "36000"),
            env("RECONCILE_RESOURCE_RESYNC_SECONDS_ALIAS", "Alias=60"),
            env("RECONCILE_RESOURCE_RESYNC_SECONDS_FUNCTION", "Function=900"),
            env("RECONCILE_DEFAULT_MAX_CONCURRENT_SYNCS", "4"),
            env("FEATURE_GATES", "ServiceLevelCARM=true, IAMRoleSelector=false"),
        ],
    )
    assert found == Flags(
        watch_selector="team=shop",
        kinds=frozenset({"alias", "function"}),
        concurrency=4,
        resync=timedelta(minutes=15),
        feature_gates={"ServiceLevelCARM": True, "IAMRoleSelector": False},
        deletion_policy="retain",
        region="eu-west-1",
        carm=False,
        system_namespace="ack-here",
    )


@pytest.mark.parametrize(
    ("args", "seconds", "workers"),
    [
        (["--reconcile-default-resync-seconds=60", "--reconcile-default-max-concurrent-syncs=2"], 60, 2),
        (["--reconcile-default-resync-seconds=0", "--reconcile-default-max-concurrent-syncs=0"], 36000, 1),
        (["--reconcile-default-resync-seconds=soon", "--reconcile-default-max-concurrent-syncs="], 36000, 1),
        (
            [
                *("--reconcile-default-resync-seconds=60", "--reconcile-default-max-concurrent-syncs=2"),
                *("--reconcile-resource-resync-seconds=function=30", "--reconcile-resource-max-concurrent-syncs"),
                *("Function=5", "--reconcile-resource-max-concurrent-syncs=Alias=9"),
            ],
            30,
            5,
        ),
        (["--reconcile-resource-resync-seconds=Alias=30", "--reconcile-resource-resync-seconds=Function"], 36000, 1),
    ],
)
def test_resync_and_workers_of_functions(args: list[str], seconds: int, workers: int) -> None:
    found = flags(*args)
    assert (found.resync, found.concurrency) == (timedelta(seconds=seconds), workers)


def test_numbers_that_stand_elsewhere_are_unknown() -> None:
    found = flags("--reconcile-resource-resync-seconds=$(A)", "--reconcile-default-max-concurrent-syncs=$(A)")
    assert (found.resync, found.concurrency) == (timedelta(hours=10), 1)
    assert found.unknown == ("--reconcile-default-max-concurrent-syncs", "--reconcile-resource-resync-seconds")


@pytest.mark.parametrize(
    ("args", "environment", "region", "unknown"),
    [
        ([], [], None, ()),
        ([], [env("AWS_REGION", "eu-west-1")], "eu-west-1", ()),
        ([], [elsewhere("AWS_REGION")], None, ("AWS_REGION",)),
        (["--aws-region=us-east-1"], [env("AWS_REGION", "eu-west-1")], "us-east-1", ()),
        (["--aws-region=$(R)"], [env("AWS_REGION", "eu-west-1"), elsewhere("R")], None, ("--aws-region",)),
        (["--aws-region="], [env("AWS_REGION", "eu-west-1")], None, ()),
    ],
)
def test_the_region_is_the_flags_or_the_environments(
    args: list[str], environment: list[Json], region: str | None, unknown: tuple[str, ...]
) -> None:
    found = flags(*args, environment=environment)
    assert (found.region, found.unknown) == (region, unknown)


@pytest.mark.parametrize(
    ("environment", "namespace"),
    [
        ([], "ack-system"),
        ([own("ACK_SYSTEM_NAMESPACE")], "ack-here"),
        ([env("ACK_SYSTEM_NAMESPACE", ""), own("K8S_NAMESPACE")], "ack-here"),
        ([env("ACK_SYSTEM_NAMESPACE", "a"), own("K8S_NAMESPACE")], "a"),
        ([elsewhere("ACK_SYSTEM_NAMESPACE"), own("K8S_NAMESPACE")], "ack-system"),
    ],
)
def test_role_maps_are_where_the_environment_says(environment: list[Json], namespace: str) -> None:
    assert flags(environment=environment).system_namespace == namespace


@pytest.mark.parametrize(
    ("args", "carm"),
    [
        ([], True),
        (["--enable-carm"], True),
        (["--enable-carm", "false"], True),  # pflag takes that for a word of its own
        (["--enable-carm=false"], False),
        (["--enable-carm=0"], False),
        (["--enable-carm=F", "--enable-carm=T"], True),
        (["--enable-carm=no"], True),
    ],
)
def test_a_switch_is_one_word(args: list[str], *, carm: bool) -> None:
    assert flags(*args).carm is carm


def test_gates_without_a_value_are_left_out() -> None:
    assert flags("--feature-gates=A=true,B,C=maybe,").feature_gates == {"A": True}


@pytest.mark.parametrize(
    ("kinds", "reconciles"), [("", True), ("Function", True), ("function,Alias", True), ("Alias", False)]
)
def test_the_kinds_it_works_on(kinds: str, *, reconciles: bool) -> None:
    assert flags("--reconcile-resources", kinds).reconciles("Function") is reconciles
