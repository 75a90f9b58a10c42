"""Read a page as a browser does: its elements in order, what is written in them, and where links lead."""

from __future__ import annotations

from html.parser import HTMLParser

# What has no end of its own.
VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})
# What may differ between two pages of one shape: values of the data, which are checked by themselves.
_OF_DATA = frozenset({"datetime", "href", "id", "aria-labelledby", "aria-label"})

Attributes = dict[str, str | None]


class Markup(HTMLParser):
    """One page. `shape` is its elements with the attributes that the template alone says."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, Attributes]] = []
        self.shape: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice: {tag} {attrs}"
        self.elements.append((tag, dict(attrs)))
        self.shape.append((tag, tuple((name, None if name in _OF_DATA else value) for name, value in attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"{tag} is closed where another is open"
        self.shape.append((f"/{tag}", ()))

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def text(self) -> str:
        """All that can be read, with the spaces of the source."""
        return "".join(self.texts)

    @property
    def words(self) -> str:
        """All that can be read, in one line."""
        return " ".join(self.text.split())

    def each(self, tag: str) -> list[Attributes]:
        return [attributes for name, attributes in self.elements if name == tag]

    def having(self, attribute: str) -> list[str]:
        """List the values of an attribute, wherever it is."""
        return [value for _, attributes in self.elements if (value := attributes.get(attribute)) is not None]
