"""`remediator doctor`: is this install fit for use? Changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from remediator.cli.names import check_places
from remediator.cli.options import Output, cluster_options, everywhere_option, output_option
from remediator.errors import CloudError

if TYPE_CHECKING:
    from remediator.doctor import Patient
    from remediator.kubernetes.connection import Connection
    from remediator.policy import Policy
    from remediator.ports import Clock


@click.command("doctor")
@click.pass_obj
@cluster_options
@everywhere_option
@output_option
@click.option(
    "--as",
    "acting_as",
    default="",
    metavar="USER",
    help="Ask as another user of the cluster, such as system:serviceaccount:ack-remediator:ack-remediator.",
)
@click.option(
    "--metrics-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.prom",
    help="Look whether this file can be written.",
)
@click.option("--push", metavar="URL", help="Look whether this Pushgateway is ready.")
@click.option("--metrics-url", metavar="URL", help="Look at what a daemon serves here, such as .../metrics.")
def command(
    clock: Clock | None,
    kubeconfig: Path | None,
    context: str | None,
    namespace: str | None,
    home: str | None,
    policy: Path | None,
    all_namespaces: bool,
    output: Output,
    acting_as: str,
    metrics_file: Path | None,
    push: str | None,
    metrics_url: str | None,
) -> int:
    """Check an install, each part: ok, warning or failure, with what mends it. Changes nothing.

    Rights are asked for verb by verb, an approval is forged as a dry run, AWS is asked by each call that is used. Run
    it as the one whose rights count: on call as yourself, of an install with --as. Exits 1 on a failure.

    \b
    Examples:
      remediator doctor -A
      remediator doctor -A --as system:serviceaccount:ops:ack-remediator
      remediator doctor -n shop -o json
      remediator doctor -A --metrics-url http://localhost:9464/metrics
    """
    from remediator.cli import doctor_report
    from remediator.cli.delivery import check_file, check_url
    from remediator.doctor import Level, Sinks, examine
    from remediator.kubernetes.connection import Connection
    from remediator.policy.load import load_policy

    check_places(namespace, home, all_namespaces=all_namespaces)
    if metrics_file is not None:
        check_file(metrics_file)
    for flag, url in (("--push", push), ("--metrics-url", metrics_url)):
        if url is not None:
            check_url(flag, url)
    rules = load_policy(policy)
    connection = Connection(kubeconfig, context, acting_as)
    scope = None if all_namespaces else namespace or connection.namespace
    patient = _patient(connection, scope, home, rules, policy, clock)
    told = doctor_report.tell(examine(patient, Sinks(metrics_file, push, metrics_url)), output)
    return 1 if any(each.level is Level.FAILURE for each in told) else 0


def _patient(
    connection: Connection,
    namespace: str | None,
    home: str | None,
    rules: Policy,
    file: Path | None,
    clock: Clock | None,
) -> Patient:
    """Put the adapters together; AWS that cannot be used at all is a finding, and no end."""
    from remediator.aws.live import AwsCloud
    from remediator.clock import SystemClock
    from remediator.doctor import Patient
    from remediator.kubernetes.home import home_namespace
    from remediator.kubernetes.resources import KubernetesCluster
    from remediator.kubernetes.transport import Transport

    timekeeper = clock or SystemClock()
    transport = Transport(connection, now=timekeeper.now)
    cloud, no_cloud = None, ""
    try:
        cloud = AwsCloud(rules.aws, timekeeper)
    except CloudError as error:
        no_cloud = error.message
    return Patient(
        connection=connection,
        transport=transport,
        cluster=KubernetesCluster(transport, namespace),
        cloud=cloud,
        no_cloud=no_cloud,
        policy=rules,
        policy_file=file,
        home=home_namespace(home),
        namespace=namespace,
        clock=timekeeper,
    )
