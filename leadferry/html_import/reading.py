"""Reads HTML into a page: one pass, which keeps what each control stands in and each piece of text around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString
from bs4.exceptions import ParserRejectedMarkup

from leadferry.html_import.page import (
    BUTTONS,
    MAX_PAGE,
    Cell,
    Control,
    Form,
    Help,
    Page,
    Row,
    Text,
    Token,
    attribute,
    classes,
    tags_inside,
    whole_number,
)
from leadferry.html_import.placing import place
from leadferry.html_import.words import collapse

_BLOCKS = frozenset(
    "address article aside blockquote body br caption center dd details div dl dt fieldset figure footer form"
    " h1 h2 h3 h4 h5 h6 header hr legend li main nav ol p pre section summary table tbody td tfoot th thead tr"
    " ul".split()
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_INERT = frozenset({"script", "style", "noscript", "template", "svg"})
_QUIET = frozenset({"title", "select", "textarea", "button", "datalist"})
_CONTROLS = _QUIET | {"input"}
_NOISE_CLASSES = frozenset(
    "error invalid-feedback validation_message screen-reader-response wpcf7-not-valid-tip wpcf7-response-output".split()
)
_HELP_CLASSES = frozenset(
    "help help-text help-block helptext form-text hint description field-description gfield_description".split()
)
_CAPTCHA_CLASSES = frozenset({"g-recaptcha", "h-captcha", "cf-turnstile"})
_TRAP_CLASS = re.compile(r"honey[-_]?pot|^hp$|^ohnohoney$|^gform_validation_container$", re.IGNORECASE)
_CONCEALING = re.compile(
    r"display:none|visibility:hidden|opacity:0(?!\.?[1-9])|(?:left|top|margin-left|text-indent):-\d{3}", re.IGNORECASE
)


class _FormOwners(HTMLParser):
    """Finds which form each control belongs to, by its place in the source.

    The tree cannot tell: in it, a form that opens inside a table row ends with that row.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.owner: dict[tuple[int, int], int] = {}
        self._open: list[int] = []
        self._count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "form":
            self._open.append(self._count)
            self._count += 1
        if self._open:
            self.owner[self.getpos()] = self._open[-1]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._open:
            self._open.pop()


# Ends whatever tag, comment or declaration a broken page leaves open: the parser's time is quadratic in those.
_ENDS = "\"'>-->]]>?>"


def read_page(html: str) -> Page:
    """Raises ValueError where the page is too long or cannot be parsed."""
    if len(html) > MAX_PAGE:
        raise ValueError(f"the page is {len(html):,} characters long; at most {MAX_PAGE:,} are read")
    straight = _straightened(html)
    ended = f"{straight}\n<br>{_ENDS}"
    owners = _FormOwners()
    try:
        soup = BeautifulSoup(ended, "html.parser", multi_valued_attributes=None, on_duplicate_attribute="ignore")
        owners.feed(ended)
        owners.close()
    except (ParserRejectedMarkup, AssertionError) as error:
        raise ValueError("the page is not HTML that can be parsed: a declaration in it is broken") from error
    for end in soup.find_all(string=_ENDS):
        end.extract()
    reader = _Reader(soup, owners.owner)
    reader.read()
    place(reader.tokens, reader.page)
    reader.page.straightened = straight != html
    return reader.page


_QUOTED = (
    re.compile('=\\s*[“”„″]([^“”„″"<>]*)[“”„″"]'),
    re.compile("=\\s*[‘’]([^‘’'\"<>]*)[‘’']"),
)


def _straightened(html: str) -> str:
    """Reads typographic quotes around attribute values as straight ones; word processors and scrapes make them."""

    def in_tag(match: re.Match[str]) -> str:
        tag = match[0]
        for quoted in _QUOTED:
            tag = quoted.sub(r'="\1"', tag)
        return tag

    return re.sub(r"<[A-Za-z][^<>]*>", in_tag, html)


class _Reader:
    """One pass over the tree in document order, which keeps the nearest element of each kind that matters."""

    _KINDS = ("label", "legend", "fieldset", "heading", "inert", "quiet", "help", "concealed", "trap", "group")

    def __init__(self, soup: BeautifulSoup, owner: Mapping[tuple[int, int], int]) -> None:
        self.page = Page()
        self.tokens: list[Token] = []
        self._soup = soup
        self._owner = owner
        self._concealing = _concealing_selectors(soup)
        self._open: dict[str, list[Tag]] = {kind: [] for kind in self._KINDS}
        self._tables: list[list[Row]] = []
        self._forms: dict[int, Form] = {}
        self._forms_by_id: dict[str, Form] = {}
        self._heading: list[str] = []
        self._help = Help()
        self._line = 0
        self._around: dict[str, int] = {}  # what was open when the form began: a closed pop-up hides no field in it

    def read(self) -> None:
        self._index_forms()
        self._head()
        stack: list[Tag] = []
        for node in self._soup.descendants:
            while stack and stack[-1] is not node.parent:
                self._leave(stack.pop())
            if isinstance(node, Tag):
                self._enter(node)
                stack.append(node)
            elif type(node) is NavigableString:  # its subclasses are comments, scripts and declarations
                self._text(str(node))

    def _index_forms(self) -> None:
        """Ahead of the pass, because ``form="…"`` may name a form that comes later."""
        for tag in self._soup.find_all("form"):
            index = self._owner.get(_position(tag))
            if index is not None:
                form = self._forms[index] = Form(tag, index)
                self._forms_by_id.setdefault(attribute(tag, "id"), form)

    def _head(self) -> None:
        soup, page = self._soup, self.page
        page.title = collapse(soup.title.get_text() if soup.title else "")
        root = soup.find("html")
        page.language = attribute(root, "lang") if isinstance(root, Tag) else ""
        tags = (soup.find("link", rel="canonical"), soup.find("base", href=True), soup.find("meta", property="og:url"))
        addresses = [attribute(tag, "href") or attribute(tag, "content") for tag in tags if isinstance(tag, Tag)]
        page.address = next(filter(None, addresses), "")

    def _enter(self, tag: Tag) -> None:
        self._break(tag)
        for kind in self._kinds(tag):
            self._open[kind].append(tag)
        if self._open["inert"]:
            return
        self.page.by_id.setdefault(attribute(tag, "id"), tag)
        match tag.name:
            case "form":
                self._enter_form(tag)
            case "input" | "select" | "textarea" | "button":
                self._enter_control(tag)
            case "table":
                self._tables.append([])
            case "tr" | "td" | "th":
                self._enter_cell(tag)
            case "label":
                self.page.label_for.setdefault(attribute(tag, "for"), tag)
        self._enter_text(tag)

    def _enter_text(self, tag: Tag) -> None:
        if tag.name in _HEADINGS:
            self._heading = []
        if self._open["help"] and self._open["help"][0] is tag:
            self._help = Help()
            self.tokens.append(self._help)
        if classes(tag) & _CAPTCHA_CLASSES:
            form = self._form_of(tag)
            if form:
                form.captcha = True

    def _leave(self, tag: Tag) -> None:
        self._break(tag)
        for tags in self._open.values():
            if tags and tags[-1] is tag:
                tags.pop()
        if tag.name == "table" and self._tables:
            self._tables.pop()

    def _kinds(self, tag: Tag) -> Iterator[str]:
        name, css, role = tag.name, classes(tag), attribute(tag, "role")
        if name in {"label", "legend", "fieldset"}:
            yield name
        if name in _HEADINGS:
            yield "heading"
        if name in _INERT:
            yield "inert"
        if name in _QUIET or ((css & _NOISE_CLASSES or role in {"alert", "status"}) and not _holds_control(tag)):
            yield "quiet"
        if (name == "small" or css & _HELP_CLASSES) and not _holds_control(tag):
            yield "help"
        if self._is_concealed(tag):
            yield "concealed"
        if any(_TRAP_CLASS.search(token) for token in css):
            yield "trap"
        if role in {"group", "radiogroup"}:
            yield "group"

    def _is_concealed(self, tag: Tag) -> bool:
        style = re.sub(r"\s", "", attribute(tag, "style"))
        selectors = {f".{token}" for token in classes(tag)} | {f"#{attribute(tag, 'id')}"}
        return bool(tag.has_attr("hidden") or _CONCEALING.search(style) or selectors & self._concealing)

    def _enter_form(self, tag: Tag) -> None:
        form = self._form_around(tag)
        if form:
            form.line = self._line
            self._around = {kind: len(self._open[kind]) for kind in ("concealed", "trap")}
            self.page.forms.append(form)
            self.tokens.append(form)

    def _within_form(self, kind: str) -> bool:
        return len(self._open[kind]) > self._around.get(kind, 0)

    def _form_of(self, tag: Tag) -> Form | None:
        named = self._forms_by_id.get(attribute(tag, "form")) if tag.has_attr("form") else None
        return named or self._form_around(tag)

    def _form_around(self, tag: Tag) -> Form | None:
        return self._forms.get(self._owner.get(_position(tag), -1))

    def _enter_control(self, tag: Tag) -> None:
        form = self._form_of(tag)
        if form is None:
            return
        if tag.name == "button" or attribute(tag, "type").lower() in BUTTONS:
            form.buttons.append(tag)
            return
        control = Control(
            tag,
            form,
            line=self._line,
            label=self._nearest("label"),
            fieldset=self._nearest("fieldset"),
            group=self._nearest("group"),
            cell=self._cell(),
            concealed=self._within_form("concealed"),
            trap=self._within_form("trap"),
        )
        form.controls.append(control)
        self.tokens.append(control)
        self._count(control)

    def _count(self, control: Control) -> None:
        if not control.visible:
            return
        if control.label:
            self.page.rivals[id(control.label)] += 1
        if control.fieldset:
            self.page.asked.setdefault(id(control.fieldset), set()).add(control.name)

    def _nearest(self, kind: str) -> Tag | None:
        return self._open[kind][-1] if self._open[kind] else None

    def _enter_cell(self, tag: Tag) -> None:
        if not self._tables:
            return
        table = self._tables[-1]
        if tag.name == "tr" or not table:
            table.append(Row(table, len(table)))
        if tag.name != "tr":
            cells = table[-1].cells
            column = cells[-1].column + cells[-1].span if cells else 0
            cells.append(Cell(table[-1], len(cells), column, min(whole_number(tag, "colspan") or 1, 100)))

    def _cell(self) -> Cell | None:
        row = self._tables[-1][-1] if self._tables and self._tables[-1] else None
        return row.cells[-1] if row and row.cells else None

    def _break(self, tag: Tag) -> None:
        if tag.name in _BLOCKS:
            self._line += 1
            for pieces in self._sinks():
                pieces.append(" ")

    def _text(self, text: str) -> None:
        if self._open["inert"] or self._open["quiet"]:
            return
        for pieces in self._sinks():
            pieces.append(text)
        if self._open["help"] or (self._open["legend"] and self._open["fieldset"]):
            return
        heading = self._heading if self._open["heading"] else None
        self.tokens.append(
            Text(text, self._line, self._nearest("label"), heading, self._cell(), self._within_form("concealed"))
        )

    def _sinks(self) -> list[list[str]]:
        """What the text at this place is a part of: help alone, a legend alone, or a label and a heading."""
        label, fieldset = self._nearest("label"), self._nearest("fieldset")
        if self._open["help"]:
            return [self._help.pieces]
        if self._open["legend"] and fieldset:
            return [self.page.legends.setdefault(id(fieldset), [])]
        sinks = [self.page.labels.setdefault(id(label), [])] if label else []
        return [*sinks, self._heading] if self._open["heading"] else sinks


def _concealing_selectors(soup: BeautifulSoup) -> frozenset[str]:
    """The classes and ids that the page's own style sheets hide: `.trap` of `.form .trap`."""
    found: set[str] = set()
    for style in soup.find_all("style"):
        for rule in style.get_text().split("}"):
            head, _, body = rule.rpartition("{")
            if _CONCEALING.search(re.sub(r"\s", "", body)):
                found.update(re.findall(r"[.#][\w-]+(?=\s*(?:,|$))", head.rpartition("{")[2].lower()))
    return frozenset(found)


def _position(tag: Tag) -> tuple[int, int]:
    return (tag.sourceline or 0, tag.sourcepos or 0)


def _holds_control(tag: Tag) -> bool:
    """Looks at the nearest elements only: a page may nest thousands."""
    return any(tags_inside(tag, _CONTROLS, 50))
