"""The steps of a release that are ours: `make` and the release workflow call them, each is of use by hand, too."""

from __future__ import annotations

from pathlib import Path

import click

from release import archive, chart, image, install, krew, licenses, version

ROOT = Path(__file__).parents[1]
_DIST = click.Path(path_type=Path, exists=True, file_okay=False)
_PROGRAM = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def cli() -> None:
    """Check, and put together, what a release publishes."""


@cli.command()
@click.argument("tag")
def check(tag: str) -> None:
    """Fail unless this checkout can be released as TAG: one version everywhere, and a section in the changelog."""
    found = version.of_tag(tag)
    version.check(ROOT, found)
    version.notes(_changelog(), found)
    click.echo(f"version={found}")


@cli.command()
@click.argument("tag")
def notes(tag: str) -> None:
    """Print what the changelog says of TAG."""
    click.echo(version.notes(_changelog(), version.of_tag(tag)), nl=False)


@cli.command()
@click.argument("folder", type=_DIST)
@click.argument("to", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--epoch", type=click.IntRange(min=0), required=True, help="The time of all files, in seconds.")
def pack(folder: Path, to: Path, epoch: int) -> None:
    """Pack a plugin's FOLDER into an archive."""
    archive.pack(folder, to, epoch=epoch)


@cli.command("licenses")
@click.argument("packages", type=_DIST)
@click.argument("to", type=click.Path(path_type=Path, file_okay=False))
def collected(packages: Path, to: Path) -> None:
    """Copy into TO the licenses of what is installed in PACKAGES, a site-packages folder."""
    licenses.collect(packages, to)


@cli.command("krew")
@click.argument("folder", type=_DIST)
@click.option("--tag", required=True)
@click.option("--repository", required=True, metavar="URL", help="The project's page.")
@click.option("--platform", "platforms", multiple=True, type=click.Choice(krew.PLATFORMS), default=krew.PLATFORMS)
def manifest(folder: Path, tag: str, repository: str, platforms: tuple[str, ...]) -> None:
    """Print krew's manifest for the archives in FOLDER."""
    click.echo(krew.manifest(version.of_tag(tag), repository, folder, platforms), nl=False)


@cli.command("install")
@click.argument("folder", type=_DIST)
@click.option("--kubectl", type=_PROGRAM, required=True)
@click.option("--image", "name", required=True, help="With its registry, without a tag.")
@click.option("--digest", required=True, metavar="sha256:…")
def manifests(folder: Path, kubectl: Path, name: str, digest: str) -> None:
    """Write into FOLDER one file to apply for each way to install."""
    install.write(kubectl, ROOT, image.of(name, digest), folder)


@cli.command("chart")
@click.argument("folder", type=_DIST)
@click.option("--helm", type=_PROGRAM, required=True)
@click.option("--image", "name", required=True, help="With its registry, without a tag.")
@click.option("--digest", required=True, metavar="sha256:…")
def packaged(folder: Path, helm: Path, name: str, digest: str) -> None:
    """Package the chart into FOLDER."""
    chart.package(helm, ROOT / "chart", image.of(name, digest), folder)


@cli.command()
@click.argument("folder", type=_DIST)
def sums(folder: Path) -> None:
    """Print the SHA-256 of all files in FOLDER."""
    click.echo(archive.sums(folder), nl=False)


def _changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def main() -> None:
    """Run a step; the one place where what is not ready becomes a message."""
    try:
        cli.main(prog_name="python -m release", standalone_mode=False)
    except (version.NotReady, ValueError) as error:
        raise SystemExit(f"not released: {error}") from error
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
