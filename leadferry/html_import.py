"""Turns the forms of an existing HTML page into form files.

Names, types, options and limits are what the page says. Labels, titles and traps are often only what it shows: those
are guessed, and the file's comments and the notes name each guess that a person should look at.
"""

from __future__ import annotations

import html as entities
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import groupby
from typing import Any
from urllib.parse import urljoin, urlsplit

import regex
from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement
from bs4.exceptions import ParserRejectedMarkup
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from leadferry.fields import CAMPAIGN, KINDS, RESERVED, Invalid, is_control
from leadferry.redirects import origin, web_address
from leadferry.submission import HONEYPOT

MAX_PAGE = 2_000_000
"""Characters of a page that are read at most."""

MAX_FORMS = 50
"""Forms of one page that are imported at most."""

MAX_FIELDS = 500
"""A post with more fields than this is refused, so no form file needs more."""

MAX_NAME = 200
"""Characters; a post with a longer field name is refused."""


@dataclass(frozen=True)
class VendorHint:
    """How a page shows that it was made for a vendor, and what that vendor's block in a form file needs.

    ``hosts`` are hosts of form actions (their subdomains count too). ``control_names`` are input names that only
    that vendor's forms have. ``settings`` are the block's keys; secrets stand in them as ``${NAME}``.
    """

    name: str
    hosts: tuple[str, ...]
    control_names: tuple[str, ...]
    settings: Mapping[str, str]
    takes_files: bool = False


@dataclass(frozen=True)
class ImportedForm:
    """One form of the page. ``name`` is a stem for the file, unique within the page; ``notes`` are for the marketer."""

    name: str
    yaml: str
    notes: tuple[str, ...]


def import_forms(
    html: str, source: str = "", *, vendors: Sequence[VendorHint], known: Collection[str] = ()
) -> list[ImportedForm]:
    """Makes a form file of each form on the page; search boxes and logins are skipped, as the notes say.

    ``source`` is the page's file name or address. The vendor is the one whose host the form posts to, else the first
    whose control names it has, else the first. ``known`` are the field names that imply their own type.
    Raises ValueError where the page is too long, cannot be parsed, or holds no form to import.
    """
    if not vendors:
        raise ValueError("import_forms needs at least one vendor to choose from")
    if len(html) > MAX_PAGE:
        raise ValueError(f"the page is {len(html):,} characters long; at most {MAX_PAGE:,} are read")
    page = _read_page(html)
    drafts: list[_Draft] = []
    skipped: list[str] = []
    if len(page.forms) > MAX_FORMS:
        skipped.append(f"Skipped all forms of the page after the first {MAX_FORMS}.")
    for form in page.forms[:MAX_FORMS]:
        draft = _Draft(form, page, source, vendors, frozenset(known))
        reason = _why_skipped(form) or draft.fill()
        if reason:
            skipped.append(f"Skipped {form.described()}: {reason}.")
        else:
            drafts.append(draft)
    if not drafts:
        raise ValueError(" ".join(["there is no form to import on this page.", *skipped]))
    return _finish(drafts, skipped)


def _finish(drafts: list[_Draft], skipped: list[str]) -> list[ImportedForm]:
    """Gives the forms of one page file names and web keys of their own."""
    names: set[str] = set()
    keys: set[str] = set()
    finished = []
    for draft in drafts:
        name = _unused(draft.stem(), names)
        finished.append(draft.finish(name, keys, skipped if draft is drafts[0] else []))
    return finished


def _unused(stem: str, taken: set[str]) -> str:
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return name


# --- What is known of pages in general ------------------------------------------------------------

_REDIRECTS = {"OnSuccessURL": "on_success_url", "OnErrorURL": "on_error_url"}

_INPUT_TYPES = {
    "email": "email",
    "tel": "phone",
    "number": "number",
    "range": "number",
    "date": "date",
    "url": "url",
    "file": "file",
    "hidden": "hidden",
    "textarea": "textarea",
}
_AUTOCOMPLETE_TYPES = {"email": "email", "tel": "phone", "tel-national": "phone", "url": "url"}
_TEXTUAL = frozenset({None, "textarea", "email", "phone", "url"})
_IMPLIED = _TEXTUAL | {"number", "date", "checkbox"}  # types that need not be said of a name that implies one
_TICKS = frozenset({"checkbox", "radio"})
_BUTTONS = frozenset({"submit", "button", "image", "reset"})

_BLOCKS = frozenset(
    "address article aside blockquote body br caption center dd details div dl dt fieldset figure footer form"
    " h1 h2 h3 h4 h5 h6 header hr legend li main nav ol p pre section summary table tbody td tfoot th thead tr"
    " ul".split()
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_INERT = frozenset({"script", "style", "noscript", "template", "svg"})
_QUIET = frozenset({"title", "select", "textarea", "button", "datalist"})
_NOISE_CLASSES = frozenset(
    "error invalid-feedback validation_message screen-reader-response wpcf7-not-valid-tip wpcf7-response-output".split()
)
_HELP_CLASSES = frozenset(
    "help help-text help-block helptext form-text hint description field-description gfield_description".split()
)
_REQUIRED_CLASSES = frozenset({"required", "wpcf7-validates-as-required"})
_CAPTCHA_CLASSES = frozenset({"g-recaptcha", "h-captcha", "cf-turnstile"})
_CAPTCHA_NAME = re.compile(r"captcha|^cf-turnstile-response$", re.IGNORECASE)

_TRAP_NAME = re.compile(
    r"honey[-_]?pot|^_?(gotcha|honey|hp)$|^bot[-_]?(field|check)$|^wpforms\[hp\]$|^ak_hp_|^b_[0-9a-f]{10,}_[0-9a-f]+$",
    re.IGNORECASE,
)
_TRAP_CLASS = re.compile(r"honey[-_]?pot|^hp$|^ohnohoney$|^gform_validation_container$", re.IGNORECASE)
_TRAP_TEXT = re.compile(
    r"leave (this|it|the)\b.{0,20}\b(empty|blank|unchanged|alone)|be left (unchanged|blank|empty)"
    r"|(do not|don['’]t) fill|if you(['’]re| are) (a )?human",
    re.IGNORECASE,
)
_DECOYS = frozenset(
    "website web url homepage fax nickname company_url email2 email_confirm confirm_email address2 phone2".split()
)
_CONCEALING = re.compile(
    r"display:none|visibility:hidden|opacity:0(?!\.?[1-9])|(?:left|top|margin-left|text-indent):-\d{3}", re.IGNORECASE
)
# Hidden inputs that site builders and web frameworks add for themselves. They mean nothing to a CRM.
_MACHINERY = re.compile(
    r"^(_wpcf7|_wpnonce|_wp_|gform_|is_submit_|state_\d+$|wpforms\[|__(viewstate|event|requestverification)"
    r"|csrf|authenticity_token$|utf8$|_token$|_method$|form[-_](build_id|token|id|name)$|(post|queried)_id$"
    r"|referer_title$|_(next|subject|captcha|template|replyto)$)",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"\b(agree|consent|accept|opt[- ]?in|terms|privacy|gdpr|permission|text me|(may|can) (contact|call|e-?mail) me)\b",
    re.IGNORECASE,
)
_REQUIRED_WORD = r"(?:required|obligatorio|obligatoire|erforderlich|pflichtfeld)"
_REQUIRED_MARK = re.compile(rf"^\*+|\*+(?=\s*:?$)|[(\[]\s*{_REQUIRED_WORD}\s*[)\]]", re.IGNORECASE)
_REQUIRED_LEGEND = re.compile(
    r"\b(fields?|marked|indicates?|denotes?)\b.*\brequired|^\W*required\W*(fields?)?\W*$", re.IGNORECASE
)
_PLACEHOLDER = re.compile(
    r"^\W*(please\s+)?(select|choose|pick)(\s+(an?|one|your|the|from)\b|\W*$)|^\W*$", re.IGNORECASE
)
_MACHINE_MADE = re.compile(r"\d|^(web|my|contact)?-?form$|^(aspnetform|commentform|comp-.*)$", re.IGNORECASE)

_LABEL_LENGTH = 100
"""Loose text longer than this is prose, not the label of the input that follows."""


# --- Reading: from HTML to controls with the text that stands around them -------------------------


@dataclass(eq=False)
class _Row:
    table: list[_Row]
    index: int
    cells: list[_Cell] = field(default_factory=list)


@dataclass(eq=False)
class _Cell:
    row: _Row
    index: int
    column: int
    span: int
    pieces: list[str] = field(default_factory=list)
    first: _Control | None = None

    @property
    def words(self) -> str:
        return _collapse("".join(self.pieces))


@dataclass(eq=False)
class _Text:
    """A piece of text. ``line`` tells which pieces stand side by side; ``label`` and ``heading`` what they are in."""

    text: str
    line: int
    label: Tag | None
    heading: list[str] | None
    cell: _Cell | None
    concealed: bool


@dataclass(eq=False)
class _Control:
    """An input, select or textarea, and what the page shows around it."""

    tag: Tag
    form: int
    line: int
    label: Tag | None
    fieldset: Tag | None
    group: Tag | None
    cell: _Cell | None
    concealed: bool
    trap: bool
    beside: str = ""  # text of its own on the same line
    question: str = ""  # text that opens a line of boxes, which asks what they answer
    above: str = ""  # the line before
    heading: str = ""  # the same, where that line is a heading
    marked: bool = False  # a bare asterisk stands beside it
    help: str = ""

    @property
    def name(self) -> str:
        return str(self.tag.get("name") or "")

    @property
    def kind(self) -> str:
        if self.tag.name != "input":
            return str(self.tag.name)
        return _attribute(self.tag, "type").lower() or "text"

    @property
    def visible(self) -> bool:
        return self.kind != "hidden"


@dataclass(eq=False)
class _Help:
    pieces: list[str] = field(default_factory=list)


@dataclass(eq=False)
class _Form:
    tag: Tag
    index: int
    line: int = 0
    controls: list[_Control] = field(default_factory=list)
    buttons: list[Tag] = field(default_factory=list)
    heading: str = ""
    heading_before: str = ""
    captcha: bool = False

    def described(self) -> str:
        name = _attribute(self.tag, "id") or _attribute(self.tag, "name") or self.heading
        return f"the form “{_short(name)}”" if name else f"form {self.index + 1}"


_Token = _Text | _Control | _Help | _Form


@dataclass(eq=False)
class _Page:
    title: str = ""
    language: str = ""
    address: str = ""
    straightened: bool = False
    forms: list[_Form] = field(default_factory=list)
    labels: dict[int, list[str]] = field(default_factory=dict)  # id() of a <label> -> its text
    legends: dict[int, list[str]] = field(default_factory=dict)  # id() of a <fieldset> -> its legend
    label_for: dict[str, Tag] = field(default_factory=dict)
    by_id: dict[str, Tag] = field(default_factory=dict)
    rivals: Counter[int] = field(default_factory=Counter)  # id() of a <label> -> controls in it
    asked: dict[int, set[str]] = field(default_factory=dict)  # id() of a <fieldset> -> names in it


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
_ENDS = "\n<br>\"'>-->]]>?>"


def _read_page(html: str) -> _Page:
    text, straightened = _straighten(html)
    owners = _FormOwners()
    try:
        soup = BeautifulSoup(text + _ENDS, "html.parser", multi_valued_attributes=None, on_duplicate_attribute="ignore")
        for end in soup.find_all(string=_ENDS.rpartition("<br>")[2]):
            end.extract()
        owners.feed(text + _ENDS)
        owners.close()
    except (ParserRejectedMarkup, AssertionError) as error:
        raise ValueError("the page is not HTML that can be parsed: a declaration in it is broken") from error
    reader = _Reader(soup, owners.owner)
    reader.read()
    _place(reader.tokens, reader.page)
    reader.page.straightened = straightened
    return reader.page


_QUOTED = (
    re.compile('=\\s*[“”„″]([^“”„″"<>]*)[“”„″"]'),
    re.compile("=\\s*[‘’]([^‘’'\"<>]*)[‘’']"),
)


def _straighten(html: str) -> tuple[str, bool]:
    """Reads typographic quotes around attribute values as straight ones; word processors and scrapes make them."""

    def in_tag(match: re.Match[str]) -> str:
        tag = match[0]
        for quoted in _QUOTED:
            tag = quoted.sub(r'="\1"', tag)
        return tag

    text = re.sub(r"<[A-Za-z][^<>]*>", in_tag, html)
    return text, text != html


class _Reader:
    """One pass over the tree in document order, which keeps the nearest element of each kind that matters."""

    _KINDS = ("label", "legend", "fieldset", "heading", "inert", "quiet", "help", "concealed", "trap", "group")

    def __init__(self, soup: BeautifulSoup, owner: Mapping[tuple[int, int], int]) -> None:
        self.page = _Page()
        self.tokens: list[_Token] = []
        self._soup = soup
        self._owner = owner
        self._concealing = _concealing_selectors(soup)
        self._open: dict[str, list[Tag]] = {kind: [] for kind in self._KINDS}
        self._tables: list[list[_Row]] = []
        self._forms: dict[int, _Form] = {}
        self._forms_by_id: dict[str, int] = {}
        self._heading: list[str] = []
        self._help = _Help()
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
                self._forms[index] = _Form(tag, index)
                self._forms_by_id.setdefault(_attribute(tag, "id"), index)

    def _head(self) -> None:
        soup, page = self._soup, self.page
        page.title = _collapse(soup.title.get_text() if soup.title else "")
        root = soup.find("html")
        page.language = _attribute(root, "lang") if isinstance(root, Tag) else ""
        tags = (soup.find("link", rel="canonical"), soup.find("base", href=True), soup.find("meta", property="og:url"))
        addresses = [_attribute(tag, "href") or _attribute(tag, "content") for tag in tags if isinstance(tag, Tag)]
        page.address = next(filter(None, addresses), "")

    def _enter(self, tag: Tag) -> None:
        self._break(tag)
        for kind in self._kinds(tag):
            self._open[kind].append(tag)
        if self._open["inert"]:
            return
        self.page.by_id.setdefault(_attribute(tag, "id"), tag)
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
                self.page.label_for.setdefault(_attribute(tag, "for"), tag)
        self._enter_text(tag)

    def _enter_text(self, tag: Tag) -> None:
        if tag.name in _HEADINGS:
            self._heading = []
        if self._open["help"] and self._open["help"][0] is tag:
            self._help = _Help()
            self.tokens.append(self._help)
        if _classes(tag) & _CAPTCHA_CLASSES:
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
        name, classes, role = tag.name, _classes(tag), _attribute(tag, "role")
        if name in {"label", "legend", "fieldset"}:
            yield name
        if name in _HEADINGS:
            yield "heading"
        if name in _INERT:
            yield "inert"
        if name in _QUIET or ((classes & _NOISE_CLASSES or role in {"alert", "status"}) and not _holds_control(tag)):
            yield "quiet"
        if (name == "small" or classes & _HELP_CLASSES) and not _holds_control(tag):
            yield "help"
        if self._is_concealed(tag, classes):
            yield "concealed"
        if any(_TRAP_CLASS.search(token) for token in classes):
            yield "trap"
        if role in {"group", "radiogroup"}:
            yield "group"

    def _is_concealed(self, tag: Tag, classes: frozenset[str]) -> bool:
        style = re.sub(r"\s", "", _attribute(tag, "style"))
        selectors = {f".{token}" for token in classes} | {f"#{_attribute(tag, 'id')}"}
        return bool(tag.has_attr("hidden") or _CONCEALING.search(style) or selectors & self._concealing)

    def _enter_form(self, tag: Tag) -> None:
        form = self._forms.get(self._owner.get(_position(tag), -1))
        if form:
            form.line = self._line
            self._around = {kind: len(self._open[kind]) for kind in ("concealed", "trap")}
            self.page.forms.append(form)
            self.tokens.append(form)

    def _within_form(self, kind: str) -> bool:
        return len(self._open[kind]) > self._around.get(kind, 0)

    def _form_of(self, tag: Tag) -> _Form | None:
        index = self._forms_by_id.get(_attribute(tag, "form")) if tag.has_attr("form") else None
        return self._forms.get(self._owner.get(_position(tag), -1) if index is None else index)

    def _enter_control(self, tag: Tag) -> None:
        form = self._form_of(tag)
        if form is None:
            return
        if tag.name == "button" or _attribute(tag, "type").lower() in _BUTTONS:
            form.buttons.append(tag)
            return
        control = _Control(
            tag,
            form.index,
            self._line,
            self._nearest("label"),
            self._nearest("fieldset"),
            self._nearest("group"),
            self._cell(),
            self._within_form("concealed"),
            self._within_form("trap"),
        )
        form.controls.append(control)
        self.tokens.append(control)
        self._count(control)

    def _count(self, control: _Control) -> None:
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
            table.append(_Row(table, len(table)))
        if tag.name != "tr":
            cells = table[-1].cells
            column = cells[-1].column + cells[-1].span if cells else 0
            cells.append(_Cell(table[-1], len(cells), column, min(_whole(_attribute(tag, "colspan")) or 1, 100)))

    def _cell(self) -> _Cell | None:
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
            _Text(text, self._line, self._nearest("label"), heading, self._cell(), self._within_form("concealed"))
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


def _attribute(tag: Tag, name: str) -> str:
    return str(tag.get(name) or "").strip()


def _classes(tag: Tag) -> frozenset[str]:
    return frozenset(_attribute(tag, "class").lower().split())


def _inside(tag: Tag, limit: int) -> Iterator[PageElement]:
    """The first elements within a tag; Tag.descendants looks for the last one first, which deep nesting makes slow."""
    waiting = tag.contents[:limit][::-1]
    while waiting and limit > 0:
        node = waiting.pop()
        limit -= 1
        yield node
        if isinstance(node, Tag):
            waiting.extend(node.contents[:limit][::-1])


def _holds_control(tag: Tag) -> bool:
    """Looks at the nearest elements only: a page may nest thousands."""
    return any(isinstance(node, Tag) and node.name in _QUIET | {"input"} for node in _inside(tag, 50))


def _collapse(text: str) -> str:
    return " ".join(text[:5000].split())


def _joined(pieces: Iterable[str]) -> str:
    return _collapse("".join(pieces))


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else None


# --- Placing: which loose text belongs to which control -------------------------------------------


def _place(tokens: Sequence[_Token], page: _Page) -> None:
    _place_headings(tokens, page)
    _place_help(tokens, page)
    claimed = _claimed_labels(page)
    above: dict[bool, list[_Text]] = {}
    for _, line in groupby(_loose(tokens, claimed), key=lambda token: token.line):
        above = _place_line(list(line), above)


def _claimed_labels(page: _Page) -> set[int]:
    """Labels that are some control's own, by `for` or because they hold it and no other."""
    claimed = {label for label, controls in page.rivals.items() if controls == 1}
    for control in (control for form in page.forms for control in form.controls):
        claimed.update(id(label) for label in (_label_by_id(control, page), _label_by_name(control, page)) if label)
    return claimed


def _label_by_id(control: _Control, page: _Page) -> Tag | None:
    identity = _attribute(control.tag, "id")
    return page.label_for.get(identity) if identity else None


def _label_by_name(control: _Control, page: _Page) -> Tag | None:
    """A common slip: `for` says the input's name, and no element has that as its id."""
    return page.label_for.get(control.name) if control.name and control.name not in page.by_id else None


def _loose(tokens: Iterable[_Token], claimed: Collection[int]) -> Iterator[_Text | _Control | _Form]:
    for token in tokens:
        if isinstance(token, _Text):
            if token.label is None or id(token.label) not in claimed:
                yield token
        elif isinstance(token, _Form) or (isinstance(token, _Control) and token.visible):
            yield token


def _place_line(tokens: Sequence[_Text | _Control | _Form], above: dict[bool, list[_Text]]) -> dict[bool, list[_Text]]:
    """Shares one line's text out. ``above`` is the last line without a control, by whether it is concealed."""
    if any(isinstance(token, _Form) for token in tokens):
        above = {}
    items = [token for token in tokens if isinstance(token, _Text | _Control)]
    controls = [item for item in items if isinstance(item, _Control)]
    _fill_cells(items)
    if controls:
        _place_above(controls[0], above.get(controls[0].concealed, []))
        _place_beside(_parts(items))
        return {}
    texts = [item for item in items if isinstance(item, _Text)]
    words = _joined(text.text for text in texts)
    if words and not _REQUIRED_LEGEND.search(words):
        return {**above, texts[0].concealed: texts}
    return above


def _fill_cells(items: Sequence[_Text | _Control]) -> None:
    for item in items:
        if item.cell and isinstance(item, _Text):
            item.cell.pieces.append(item.text)
        elif item.cell and isinstance(item, _Control):
            item.cell.first = item.cell.first or item


def _place_above(control: _Control, texts: Sequence[_Text]) -> None:
    if not texts or texts[-1].cell is not control.cell:
        return
    words = _joined(text.text for text in texts)
    if len(words) > _LABEL_LENGTH:
        return
    if any(text.heading is not None and text.text.strip() for text in texts):
        control.heading = words
    else:
        control.above = words


def _parts(items: Sequence[_Text | _Control]) -> list[str | _Control]:
    """A line as text and controls by turns; a bare asterisk marks its neighbour and goes."""
    parts: list[str | _Control] = []
    marked = False
    for item in _merged(items):
        words, mark = _label_text(item) if isinstance(item, str) else ("", False)
        if isinstance(item, _Control):
            item.marked, marked = item.marked or marked, False
            parts.append(item)
        elif words:
            parts.append(item)
        elif parts and isinstance(parts[-1], _Control):
            parts[-1].marked = parts[-1].marked or mark
        else:
            marked = mark
    return parts


def _merged(items: Sequence[_Text | _Control]) -> Iterator[str | _Control]:
    for is_text, run in groupby(items, key=lambda item: isinstance(item, _Text)):
        if is_text:
            words = _joined(item.text for item in run if isinstance(item, _Text))
            if words:
                yield words
        else:
            yield from (item for item in run if isinstance(item, _Control))


def _place_beside(parts: Sequence[str | _Control]) -> None:
    """Text comes before inputs unless the line begins with one and ends with text; boxes need only the second."""
    begins, ends = isinstance(parts[0], str), isinstance(parts[-1], str)
    for before, part, after in zip(["", *parts[:-1]], parts, [*parts[1:], ""], strict=True):
        if isinstance(part, str):
            continue
        box = part.kind in _TICKS
        own = after if ends and (box or not begins) else before
        part.beside = own if isinstance(own, str) and (box or len(own) <= _LABEL_LENGTH) else ""
        if box and ends and isinstance(before, str) and before is parts[0]:
            part.question = before


def _place_headings(tokens: Sequence[_Token], page: _Page) -> None:
    """A form's heading stands in it before its first input, or before the form with no other input between."""
    forms = {form.index: form for form in page.forms}
    begun: set[int] = set()
    pending: list[list[str]] = []
    for token in tokens:
        if isinstance(token, _Text) and token.heading is not None:
            if not pending or pending[-1] is not token.heading:
                pending.append(token.heading)
        elif isinstance(token, _Form):
            token.heading_before = _joined(pending[-1]) if pending else ""
            pending = []
        elif isinstance(token, _Control) and token.visible:
            if token.form in forms and token.form not in begun:
                begun.add(token.form)
                forms[token.form].heading = _joined(pending[0]) if pending else ""
            pending = []


def _place_help(tokens: Sequence[_Token], page: _Page) -> None:
    """Help follows its input, unless another input's label stands between."""
    last: _Control | None = None
    waiting: list[str] = []
    for token in tokens:
        if isinstance(token, _Form):
            last, waiting = None, []
        elif isinstance(token, _Control) and token.visible:
            _give_help(token, waiting)
            last, waiting = token, []
        elif isinstance(token, _Text) and last and not _belongs(token, last, page):
            last = None
        elif isinstance(token, _Help) and last:
            _give_help(last, [_joined(token.pieces)])
        elif isinstance(token, _Help):
            waiting.append(_joined(token.pieces))


def _belongs(text: _Text, control: _Control, page: _Page) -> bool:
    if not _label_text(text.text)[0]:
        return True
    if text.label is not None:
        return text.label is control.label or text.label is _label_by_id(control, page)
    return control.kind in _TICKS and text.line == control.line


def _give_help(control: _Control, texts: Sequence[str]) -> None:
    for text in texts:
        words, required = _label_text(text)
        control.marked = control.marked or required
        control.help = f"{control.help} {text if words else ''}".strip()


# --- Labels ---------------------------------------------------------------------------------------


def _label_text(text: str) -> tuple[str, bool]:
    """A label without its colon and its mark of a required field, and whether it had that mark."""
    words = _collapse(text)
    bare = _REQUIRED_MARK.sub(" ", words)
    return _collapse(bare.strip(" \t:：*")), bare != words


@dataclass(frozen=True)
class _Label:
    text: str
    required: bool
    guess: str = ""


class _Labels:
    def __init__(self, page: _Page, form: _Form) -> None:
        self._page = page
        self._form = form
        self._namesakes = Counter(control.name for control in form.controls if control.visible)

    def of(self, control: _Control) -> _Label:
        """The label of one input, or of one choice among several."""
        if control.kind in _TICKS:
            shown = [control.beside, _right(control), control.above, _left(control)]
        else:
            shown = [control.beside, control.above, _left(control), _header(control), _right(control)]
        return self._first([*self._said(control), *shown, _attribute(control.tag, "title")], control)

    def of_choice(self, control: _Control) -> str:
        """The label of one box in a group, or nothing: the group's name says nothing about it."""
        label = self.of(control)
        return "" if label.guess else label.text

    def of_group(self, first: _Control) -> _Label:
        """What a group of boxes asks."""
        named = [self._of_element(first.group)] if first.group else []
        by_name = _label_by_name(first, self._page)
        shown = [self._text(by_name), first.question, first.above, _left(first), _header(first), first.heading]
        return self._first([self.legend(first), *named, *shown], first)

    def said(self, control: _Control) -> str:
        """All that the page says about a control, for telling traps."""
        return " ".join([*self._said(control), control.beside, control.above, control.help])

    def help(self, control: _Control) -> str:
        described = [self._by_id(identity) for identity in _attribute(control.tag, "aria-describedby").split()[:5]]
        return _joined(" ".join(described)) or control.help or _collapse(_attribute(control.tag, "title"))

    def _said(self, control: _Control) -> list[str]:
        page, tag = self._page, control.tag
        wrapping = control.label if control.label and page.rivals[id(control.label)] == 1 else None
        labels = [_label_by_id(control, page), wrapping]
        if control.kind not in _TICKS or self._namesakes[control.name] == 1:
            labels.append(_label_by_name(control, page))
        return [*(self._text(label) for label in labels), self._of_element(tag)]

    def _first(self, candidates: Iterable[str], control: _Control) -> _Label:
        required = False
        for candidate in candidates:
            words, mark = _label_text(candidate)
            required = required or mark
            if words:
                return _Label(words, required)
        return self._fallback(control, required)

    def _fallback(self, control: _Control, required: bool) -> _Label:
        heading, _ = _label_text(control.heading)
        if heading and control.heading != self._form.heading:
            return _Label(heading, required, "label guessed from a heading")
        words, marked = _label_text(_attribute(control.tag, "placeholder"))
        if words:
            return _Label(words, required or marked, "label guessed from the placeholder")
        return _Label(_humanised(control.name), required, "label guessed from the name")

    def _text(self, label: Tag | None) -> str:
        return _joined(self._page.labels.get(id(label), [])) if label else ""

    def legend(self, control: _Control) -> str:
        """A legend over several questions is a section's title, not a question."""
        alone = self._page.asked.get(id(control.fieldset)) == {control.name}
        return self._legend_text(control) if alone else ""

    def section(self) -> str:
        """The first legend that is a section's title."""
        for control in self._form.controls[:MAX_FIELDS]:
            title = self._legend_text(control)
            if title and not self.legend(control):
                return title
        return ""

    def _legend_text(self, control: _Control) -> str:
        return _joined(self._page.legends.get(id(control.fieldset), []))

    def _of_element(self, tag: Tag) -> str:
        parts = [self._by_id(identity) for identity in _attribute(tag, "aria-labelledby").split()[:5]]
        return _joined(" ".join(parts)) or _attribute(tag, "aria-label")

    def _by_id(self, identity: str) -> str:
        tag = self._page.by_id.get(identity)
        pieces = _inside(tag, 300) if tag else []
        return _joined(str(piece) for piece in pieces if type(piece) is NavigableString)


def _left(control: _Control) -> str:
    return _next_words(control, lambda cell: reversed(cell.row.cells[max(cell.index - 20, 0) : cell.index]))


def _right(control: _Control) -> str:
    return _next_words(control, lambda cell: iter(cell.row.cells[cell.index + 1 : cell.index + 20]))


def _next_words(control: _Control, cells: Callable[[_Cell], Iterator[_Cell]]) -> str:
    """The nearest cell with text, if no other input stands before it."""
    if not control.cell or control.cell.first is not control:
        return ""
    for cell in cells(control.cell):
        if cell.first or cell.words:
            return cell.words if not cell.first and len(cell.words) <= _LABEL_LENGTH else ""
    return ""


def _header(control: _Control) -> str:
    """The text over a table cell. A row that has but one cell is a header only if it comes just before."""
    cell = control.cell
    if not cell or cell.first is not control:
        return ""
    alone = len(cell.row.cells) == 1
    rows = cell.row.table[max(cell.row.index - (1 if alone else 50), 0) : cell.row.index]
    for row in reversed(rows):
        over = next((other for other in row.cells[:50] if other.column == cell.column), None)
        if over and over.words and not any(other.first for other in row.cells[:50]):
            return over.words if len(over.words) <= _LABEL_LENGTH else ""
    return ""


def _humanised(name: str) -> str:
    """`firstName`, `first_name`, `form[first-name]` and `first.name[]` all become `First name`."""
    inner = re.findall(r"\[([^\[\]]+)\]", name)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", inner[-1] if inner else name)
    if not re.search(r"\s", name) and not words.isupper():
        words = words.lower()
    words = _collapse(re.sub(r"[\W_]+", " ", words)) or "Field"
    return words[0].upper() + words[1:]


# --- Drafting: from controls to the keys of a form file -------------------------------------------

_SENTENCES = {
    "password": "Left out {}: passwords are never collected.",
    "captcha": "Left out {}: only the old form's server could check a captcha.",
    "trap": "Left out as traps for bots: {}. Take them out of the page's form too, if that stays.",
    "machinery": "Left out as the site's own machinery: {}. Take them out of the page's form too, if that stays.",
    "file": "Left out {}: this vendor takes no files.",
    "disabled": "Left out as disabled on the page: {}.",
    "name": "Left out {}: a field's name is printable text of at most 200 characters, without ${{ or spaces around it.",
    "unnamed": "Left out inputs without a name ({}): a browser never sends them.",
    "control": "Left out {}: such names steer the post and are no answers.",
    "many": f"Left out {{}}: a form has at most {MAX_FIELDS} fields.",
    "twin": "Names of more than one input: {}. The first that visitors see was taken; rename the others in the page.",
    "pattern": "Left out the pattern of {}: the field's type brings its own check, or the pattern cannot be read.",
    "minimum": "Left out the smallest length of {}: a form file has no such rule.",
    "concealed": "Hidden on the page, perhaps until another answer is given: {}. See whether show_if is needed.",
    "own trap": "Left out {}: Leadferry sets this trap for bots itself, and obeys the page's.",
    "campaign": "Left out {}: every form knows the names of campaigns and clicks.",
    "box": "Boxes that should send 1 when they are ticked, and send a text of their own on the page: {}.",
    "several": "More than one choice is ticked in advance; a form file has but one such value: {}.",
    "value": "Left out what already stands in {}: it does not fit the field's type.",
    "ticked": "Ticked in advance on the page, which is no consent, so not ticked here: {}.",
    "label": "Labels that are guesses: {}.",
    "scripted": "Choices that a script fills in, so taken as text: {}.",
}


class _Notes:
    """Collects sentences; what befalls several fields for one reason is one sentence."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, reason: str, name: str) -> None:
        names = self._names.setdefault(reason, [])
        if name not in names[:20]:
            names.append(name)

    def sentences(self) -> list[str]:
        return [_SENTENCES[reason].format(_listed(names)) for reason, names in self._names.items()]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_short(name) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def _short(text: str) -> str:
    line = _collapse(_printable(text))
    return line if len(line) <= 60 else f"{line[:59]}…"


@dataclass(frozen=True)
class _Choice:
    value: str
    label: str
    chosen: bool


class _Field:
    """One field of a form file, made of the inputs that share a name. ``twins`` tells that others share it too."""

    def __init__(
        self, members: Sequence[_Control], labels: _Labels, known: Collection[str], notes: _Notes, *, twins: bool
    ) -> None:
        self._members = members
        self._first = members[0]
        self._labels = labels
        self._notes = notes
        self._implied = RESERVED.get(self._first.name, "text") if self._first.name in known else None
        self._twins = twins
        self._choices = self._read_choices()
        self._label = self._read_label()
        self._type, self._remark = self._read_type()
        self._kind = self._implied if self._implied and self._is_implied() else self._type or "text"

    def keys(self) -> dict[str, Any]:
        name = self._first.name
        if self._type == "hidden":
            return {"name": name, "type": "hidden", **_filled(value=_attribute(self._first.tag, "value"))}
        return {
            "name": name,
            "label": self._label.text,
            **_filled(type=None if self._is_implied() else self._type),
            **self._required(),
            **self._answers(),
            **self._words(),
            **self._limits(),
            **_filled(if_invalid=self._if_invalid()),
        }

    def _is_implied(self) -> bool:
        """Whether the name says the type. One that means a text does not stand for a box, nor for a bounded number."""
        if self._type == "checkbox":
            return self._is_flag()
        return self._implied is not None and self._type in _IMPLIED and not self._bounds()

    def _bounds(self) -> dict[str, str]:
        """``min`` and ``max`` of a number or a date, as they stand on the page."""
        if self._type not in {"number", "date"}:
            return {}
        limits = {key: _attribute(self._first.tag, key) for key in ("min", "max")}
        return {key: limit for key, limit in limits.items() if limit and _normalised(self._type, limit) == limit}

    def _is_flag(self) -> bool:
        return self._implied is not None and KINDS[self._implied].widget == "checkbox"

    def remark(self) -> str:
        """What was guessed about the field."""
        if self._type == "hidden":
            return ""
        if self._first.concealed:
            self._note("concealed")
        if self._label.guess:
            self._note("label")
        return "; ".join(text for text in (self._label.guess, self._remark) if text)

    def _note(self, reason: str) -> None:
        self._notes.add(reason, self._first.name)

    def _read_choices(self) -> list[_Choice]:
        if self._first.kind == "select":
            return [choice for choice in _options(self._first.tag) if choice.value]
        if self._first.kind in _TICKS:
            return _distinct(choice for choice in map(self._box, self._members) if choice.value)
        return []

    def _box(self, control: _Control) -> _Choice:
        value = _line(str(control.tag.get("value", "on")))
        return _Choice(value, self._labels.of_choice(control) or value, control.tag.has_attr("checked"))

    def _read_label(self) -> _Label:
        own = self._labels.of(self._first)
        several = _is_group(self._members) and not _is_consent(self._members, own)
        return self._labels.of_group(self._first) if several else own

    def _read_type(self) -> tuple[str | None, str]:
        """The field's type, None for plain text, and what was guessed about it."""
        match self._first.kind:
            case "checkbox":
                return self._box_type()
            case "radio" if self._choices:
                return "radio", ""
            case "select" if self._choices:
                return ("checkboxes" if self._first.tag.has_attr("multiple") else "select"), ""
            case "select":
                self._note("scripted")
                return None, "its choices come from a script"
            case kind if kind in _INPUT_TYPES:
                return _INPUT_TYPES[kind], ""
        guess = _AUTOCOMPLETE_TYPES.get(_attribute(self._first.tag, "autocomplete").lower())
        return guess, "type guessed from autocomplete" if guess and not self._implied else ""

    def _box_type(self) -> tuple[str, str]:
        """A box that sends a text of its own is a group of one: a checkbox sends 1."""
        if _is_consent(self._members, self._label):
            return "consent", "its label reads like consent"
        several = _is_group(self._members) or (self._is_odd_box() and not self._is_flag())
        return ("checkboxes" if several and self._choices else "checkbox"), ""

    def _is_odd_box(self) -> bool:
        return not self._choices or _normalised("checkbox", self._choices[0].value) != "1"

    def _if_invalid(self) -> str:
        """What keeps a lead from the page's own form from being refused."""
        if self._type in {"consent", "checkbox"} and self._is_odd_box():
            self._note("box")
            return "pass"
        if self._twins:
            self._note("twin")
            return "pass"
        return "drop" if self._first.kind == "select" and _sends_placeholder(self._first.tag) else ""

    def _required(self) -> dict[str, bool]:
        required = self._label.required or any(_is_required(member) for member in self._members)
        return {"required": required} if required or self._type == "consent" else {}

    def _answers(self) -> dict[str, Any]:
        """``options`` and ``value``."""
        chosen = [choice.value for choice in self._choices if choice.chosen]
        if chosen and self._type == "consent":
            self._note("ticked")
        if self._type in {"consent", "file"}:
            return {}
        if self._type == "checkbox":
            return _filled(value="1" if chosen else None)
        if self._type in {"select", "radio", "checkboxes"}:
            if len(chosen) > 1 and self._type == "checkboxes":
                self._note("several")
            return {"options": _listing(self._choices), **_filled(value=chosen[0] if chosen else None)}
        return self._typed()

    def _typed(self) -> dict[str, Any]:
        text = "" if self._first.kind in {"select", "radio"} else _typed(self._first.tag)
        if text and _normalised(self._kind, text) is None:
            self._note("value")
            return {}
        return _filled(value=text)

    def _words(self) -> dict[str, Any]:
        placeholder = _collapse(_attribute(self._first.tag, "placeholder"))
        if self._type == "select":
            placeholder = next((choice.label for choice in _options(self._first.tag) if not choice.value), "")
        if _label_text(placeholder)[0] in {"", self._label.text}:
            placeholder = ""
        text = self._labels.help(self._first)
        said = _label_text(text)[0] == self._label.text
        return _filled(placeholder=placeholder, help="" if said else entities.escape(text, quote=False))

    def _limits(self) -> dict[str, Any]:
        tag = self._first.tag
        limits: dict[str, Any] = {}
        length = _whole(_attribute(tag, "maxlength"))
        if self._type in _TEXTUAL and length and length <= 65_536:
            limits["max_length"] = length
        if self._type in _TEXTUAL and _whole(_attribute(tag, "minlength")):
            self._note("minimum")
        return {**limits, **_filled(pattern=self._pattern()), **self._bounds()}

    def _pattern(self) -> str:
        pattern = _attribute(self._first.tag, "pattern")
        if pattern and (self._kind != "text" or not _is_pattern(pattern)):
            self._note("pattern")
            return ""
        return pattern


class _Draft:
    """One form of the page on its way to a form file."""

    def __init__(
        self, form: _Form, page: _Page, source: str, vendors: Sequence[VendorHint], known: frozenset[str]
    ) -> None:
        self._form = form
        self._page = page
        self._source = source
        self._known = known
        self._labels = _Labels(page, form)
        self._notes = _Notes()
        self._controls: dict[str, str] = {}
        self._credentials: dict[str, str] = {}
        self._fields: list[dict[str, Any]] = []
        self._remarks: dict[int, str] = {}
        self._host = _host(_attribute(form.tag, "action"))
        self._vendor, self._vendor_reason = self._choose_vendor(vendors)

    def fill(self) -> str:
        """Drafts the fields, and answers why there is nothing to import, or an empty text."""
        for name, members in self._by_name().items():
            self._take(name, members)
        if self._form.captcha:
            self._notes.add("captcha", "the box of the captcha")
        shown = any(keys.get("type") != "hidden" for keys in self._fields)
        return "" if shown else "there is nothing in it for a visitor to fill in"

    def _choose_vendor(self, vendors: Sequence[VendorHint]) -> tuple[VendorHint, str]:
        names = {control.name for control in self._form.controls}
        for vendor in vendors:
            if any(self._host == host or self._host.endswith(f".{host}") for host in vendor.hosts):
                return vendor, f"the form posts to {self._host}"
        for vendor in vendors:
            found = next((name for name in vendor.control_names if name in names), None)
            if found:
                return vendor, f"the form has an input called {found}"
        return vendors[0], ""

    def _by_name(self) -> dict[str, list[_Control]]:
        grouped: dict[str, list[_Control]] = {}
        for control in self._form.controls:
            name = control.name
            if not name.strip():
                self._notes.add("unnamed", control.kind)
            elif len(name) > MAX_NAME or name != _line(name) or "${" in name:
                self._notes.add("name", name)
            else:
                grouped.setdefault(name, []).append(control)
        return grouped

    def _take(self, name: str, members: list[_Control]) -> None:
        if is_control(name):
            self._take_control(name, members[0])
            return
        enabled = [member for member in members if not member.tag.has_attr("disabled")]
        reason = self._why_left_out(name, enabled[0]) if enabled else "disabled"
        if reason:
            self._notes.add(reason, name)
        elif self._is_credential(name, enabled[0]):
            self._credentials[name] = _attribute(enabled[0].tag, "value")
        else:
            self._add_field(enabled)

    def _take_control(self, name: str, control: _Control) -> None:
        self._controls[name] = _attribute(control.tag, "value")
        if name != "web_key" and name not in _REDIRECTS:
            self._notes.add("control", name)

    def _why_left_out(self, name: str, control: _Control) -> str:
        if len(self._fields) >= MAX_FIELDS:
            return "many"
        if name == HONEYPOT:
            return "own trap"
        if control.kind == "password":
            return "password"
        if name in CAMPAIGN and control.kind == "hidden":
            return "campaign"
        if _CAPTCHA_NAME.search(name):
            return "captcha"
        if self._is_trap(name, control):
            return "trap"
        if control.kind == "hidden" and _MACHINERY.search(name):
            return "machinery"
        if control.kind == "file" and not self._vendor.takes_files:
            return "file"
        return ""

    def _is_trap(self, name: str, control: _Control) -> bool:
        if _TRAP_NAME.search(name) or control.trap or _TRAP_TEXT.search(self._labels.said(control)):
            return True
        if not control.concealed or name in self._known:
            return False
        return name.lower() in _DECOYS or _attribute(control.tag, "tabindex") == "-1"

    def _is_credential(self, name: str, control: _Control) -> bool:
        return control.kind == "hidden" and "${" in self._vendor.settings.get(name, "")

    def _add_field(self, members: Sequence[_Control]) -> None:
        group = _one_field(members)
        taken = set(map(id, group))
        others = [member for member in members if id(member) not in taken]
        field = _Field(group, self._labels, self._known, self._notes, twins=_clash(group, others))
        if remark := field.remark():
            self._remarks[len(self._fields)] = remark
        self._fields.append(field.keys())

    def stem(self) -> str:
        """A name for the file. One that says something comes before an id that a site builder counted up."""
        tag = self._form.tag
        candidates = [
            _attribute(tag, "id"),
            _attribute(tag, "name"),
            _attribute(tag, "title"),
            self._form.heading or self._form.heading_before,
            _attribute(tag, "aria-label"),
            self._page.title,
        ]
        slugs = [slug for slug in map(_slug, candidates) if slug]
        telling = [slug for slug in slugs if not _MACHINE_MADE.search(slug)]
        return [*telling, *slugs, "form"][0]

    def finish(self, name: str, taken_keys: set[str], skipped: Sequence[str]) -> ImportedForm:
        """Writes the file and the notes. ``taken_keys`` are the web keys of the page's other forms, and grow."""
        key, about_key = self._web_key(taken_keys)
        redirects, origins, about_redirects = self._redirects()
        keys = {
            "title": self._title(),
            **_filled(submit=self._submit(), language=_language(self._page.language), web_key=key),
            "fields": self._fields,
            "vendor": {"name": self._vendor.name, **self._vendor.settings},
            **redirects,
            **_filled(origins=origins),
        }
        notes = [
            self._about_vendor(),
            *self._about_settings(),
            *about_key,
            self._next_step(name, key),
            *about_redirects,
            *self._notes.sentences(),
            *self._about_names(),
            *self._about_page(),
            *skipped,
        ]
        yaml = _written(keys, self._remarks, self._header())
        return ImportedForm(name, yaml, tuple(_collapse(_printable(note)) for note in notes if note))

    def _title(self) -> str:
        form = self._form
        candidates = [
            form.heading,
            form.heading_before,
            self._labels.section(),
            _attribute(form.tag, "title"),
            _attribute(form.tag, "aria-label"),
            self._page.title,
        ]
        return next((title for title in map(_collapse, candidates) if title), _humanised(self.stem()))

    def _submit(self) -> str:
        """The text of the button that sends. A plain button counts last: scripts may send by it."""
        kinds = ("submit", "image", "button")
        ordered = sorted(
            (b for b in self._form.buttons if _button_kind(b) in kinds), key=lambda b: kinds.index(_button_kind(b))
        )
        return next((text for text in map(_button_text, ordered) if text), "")

    def _web_key(self, taken: set[str]) -> tuple[str, list[str]]:
        key = self._controls.get("web_key", "")
        if not key:
            return "", []
        if key in taken:
            return "", ["Another form of this page has the same web_key: give this one its own, here and in the page."]
        taken.add(key)
        sample = "The page's web_key is the placeholder of an example: put the real one in the page and here."
        return key, [sample] if re.search(r"_X{3,}$", key) else []

    def _redirects(self) -> tuple[dict[str, str], list[str], list[str]]:
        base = _url(self._page.address, self._source) or _url(self._source, "")
        found, notes = {}, []
        for name, key in _REDIRECTS.items():
            posted = self._controls.get(name, "")
            url = _url(posted, base)
            if url:
                found[key] = url
            elif posted:
                notes.append(f"Left out {name}: “{_short(posted)}” is not an address that a visitor can be sent to.")
        page = _url(self._page.address, base)
        return found, list(dict.fromkeys(origin(url) for url in (*found.values(), page) if url)), notes

    def _about_vendor(self) -> str:
        if self._vendor_reason:
            return f"The vendor is {self._vendor.name}, because {self._vendor_reason}."
        return f"Nothing on the page says which vendor the form is for: {self._vendor.name} was taken."

    def _about_settings(self) -> Iterator[str]:
        shown = {**self._credentials, "web_key": self._controls.get("web_key", "")}
        for key, setting in self._vendor.settings.items():
            for variable in re.findall(r"\$\{(\w+)\}", setting):
                yield f"Set {variable} in the environment to {_pointed_at(key, shown.get(key, ''))}."

        for name in self._credentials:
            yield f"Take {_short(name)} out of the page's form, where everybody can read it."

    def _next_step(self, name: str, key: str) -> str:
        get = _attribute(self._form.tag, "method").lower() != "post"
        also = ' and set its method to "post"' if get else ""
        if key:
            return f"To keep the page's own form, change its action to /submit on your server{also}; nothing else."
        return f"To keep the page's own form, change its action to /f/{name} on your server{also}."

    def _about_names(self) -> Iterator[str]:
        if self._known.isdisjoint(keys["name"] for keys in self._fields):
            yield (
                "None of the names is one that Leadferry knows, such as email or phone:"
                " give the fields that the vendor has its own names for a send_as."
            )
        if any("${" in text for text in _texts(self._fields)):
            yield "“${” was written as “$ {”, so that no text of the page is read as the name of a secret."

    def _about_page(self) -> Iterator[str]:
        if self._page.straightened:
            yield "Typographic quotes around attributes were read as straight ones. Browsers do not: mend the page."

    def _header(self) -> list[str]:
        origin = f" on {_short(self._source)}" if self._source else ""
        host = f" It posted to {_short(self._host)}." if self._host else ""
        return [
            f"Imported from {self._form.described()}{origin}.{host}",
            "Labels, title and types were read off the page; what was guessed says so beside it.",
        ]


def _one_field(members: Sequence[_Control]) -> list[_Control]:
    """The inputs that make up the field: all boxes of a group, else the first that visitors see."""
    shown = [member for member in members if member.visible] or list(members)
    first = shown[0]
    return [member for member in shown if member.kind == first.kind] if first.kind in _TICKS else [first]


def _clash(group: Sequence[_Control], others: Sequence[_Control]) -> bool:
    """Whether a post may hold two answers. A hidden 0 before a box only says that it was not ticked."""
    if len(group) == 1 and group[0].kind == "checkbox":
        return any(other.visible or _normalised("checkbox", _attribute(other.tag, "value")) != "0" for other in others)
    return bool(others)


def _is_group(members: Sequence[_Control]) -> bool:
    """``name[]`` promises several answers, even from one box."""
    first = members[0]
    return first.kind == "radio" or (first.kind == "checkbox" and (len(members) > 1 or first.name.endswith("[]")))


def _is_consent(members: Sequence[_Control], label: _Label) -> bool:
    return len(members) == 1 and members[0].kind == "checkbox" and bool(_CONSENT.search(label.text))


def _is_required(control: _Control) -> bool:
    tag = control.tag
    said = tag.has_attr("required") or _attribute(tag, "aria-required").lower() == "true"
    return said or control.marked or bool(_classes(tag) & _REQUIRED_CLASSES)


def _is_pattern(pattern: str) -> bool:
    """What browsers and the regex module do not read alike is mostly what the latter cannot read."""
    try:
        regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError):
        return False
    return len(pattern) <= 200


def _normalised(kind: str, text: str) -> str | None:
    """The text in the form of its kind, or None where it does not fit."""
    try:
        return KINDS[kind].normalise(text)
    except Invalid:
        return None


def _options(select: Tag) -> list[_Choice]:
    """The choices; the first has no value where it only says `please choose`."""
    choices: list[_Choice] = []
    for tag in _inside(select, 10_000):
        if isinstance(tag, Tag) and tag.name == "option" and (not choices or not tag.has_attr("disabled")):
            value, label = _option(tag)
            if not choices and _is_placeholder(tag):
                value, label = "", label if re.search(r"\w", label) else ""
            choices.append(_Choice(value, label or value, tag.has_attr("selected")))
    return _distinct(choices)


def _option(tag: Tag) -> tuple[str, str]:
    label = _joined(str(child) for child in tag.children if type(child) is NavigableString) or _attribute(tag, "label")
    return _line(str(tag.get("value", label))), _line(label)


def _is_placeholder(first: Tag) -> bool:
    value, label = _option(first)
    return not value or first.has_attr("disabled") or (value == label and bool(_PLACEHOLDER.search(label)))


def _sends_placeholder(select: Tag) -> bool:
    """Whether a visitor who chooses nothing sends the words `please choose`."""
    first = next((tag for tag in _inside(select, 20) if isinstance(tag, Tag) and tag.name == "option"), None)
    return first is not None and _is_placeholder(first) and bool(_option(first)[0]) and not first.has_attr("disabled")


def _distinct(choices: Iterable[_Choice]) -> list[_Choice]:
    first: dict[str, _Choice] = {}
    for choice in choices:
        first.setdefault(choice.value, choice)
    return list(first.values())


def _listing(choices: Iterable[_Choice]) -> list[Any]:
    return [
        choice.value if choice.value == choice.label else {"value": choice.value, "label": choice.label}
        for choice in choices
    ]


def _typed(tag: Tag) -> str:
    """What already stands in a text field."""
    if tag.name != "textarea":
        return _attribute(tag, "value")
    text = "".join(str(child) for child in tag.children if type(child) is NavigableString)
    return text.replace("\r\n", "\n").strip()


def _button_kind(tag: Tag) -> str:
    kind = _attribute(tag, "type").lower()
    return kind if kind in _BUTTONS else "submit"


def _button_text(tag: Tag) -> str:
    if tag.name == "button":
        text = _joined(str(node) for node in _inside(tag, 50) if type(node) is NavigableString)
        return text or _attribute(tag, "aria-label")
    return _collapse(_attribute(tag, "alt" if _button_kind(tag) == "image" else "value"))


def _filled(**keys: Any) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value is not None and value not in ("", [])}


def _why_skipped(form: _Form) -> str:
    shown = [control for control in form.controls if control.visible and control.kind not in _TICKS]
    names = {control.name for control in shown}
    passwords = [control for control in shown if control.kind == "password"]
    if passwords and len(shown) - len(passwords) <= 2:
        return "it is a login"
    parent = form.tag.parent
    roles = {_attribute(tag, "role").lower() for tag in (form.tag, parent) if tag is not None}
    by_get = _attribute(form.tag, "method").lower() in {"", "get"}
    if "search" in roles or (by_get and len(shown) == 1 and names <= {"q", "s", "search", "query", "keywords"}):
        return "it is a search box"
    return ""


def _language(tag: str) -> str:
    tag = tag.replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) else ""


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[:500]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")


def _pointed_at(key: str, value: str) -> str:
    """A key is shown by its end only, and not at all where that would be half of it."""
    if not value:
        return f"the vendor's {key}"
    ending = f", which ends in {_short(value[-4:])}" if len(value) >= 8 else ""
    return f"the {key} that stands in the page{ending}"


# --- Addresses ------------------------------------------------------------------------------------


def _url(text: str, base: str | None) -> str | None:
    """A web address in full, or None. A path alone needs the page's address; any other text is a host first."""
    if "${" in text:
        return None
    if text.startswith("//"):
        text = f"https:{text}"
    elif re.match(r"[/?#.]|[^/:]+\.(html?|php|aspx?|jsp)\b", text, re.IGNORECASE):
        text = _resolved(base, text)
    elif not re.match(r"[^/?#]*[.:]|localhost\b", text):
        return None
    return web_address(text)


def _resolved(base: str | None, path: str) -> str:
    try:
        return urljoin(base, path) if base else ""
    except ValueError:
        return ""


def _host(url: str) -> str:
    address = web_address(f"https:{url}" if url.startswith("//") else url) if "//" in url else None
    return (urlsplit(address).hostname or "") if address else ""


# --- Writing --------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[^\W\d_][\w .?!/'()&;@+-]*(?<! )|https?://[\w./?=&%~+:@-]*[\w/]|\$\{\w+\}")
# Words that YAML, in one version or another, reads as something else than text.
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})


def _written(keys: Mapping[str, Any], remarks: Mapping[int, str], header: Sequence[str]) -> str:
    document = CommentedMap()
    for key, value in keys.items():
        document[key] = _block(key, value)
    for index, remark in remarks.items():
        document["fields"].yaml_add_eol_comment(remark, index, column=0)
    yaml = YAML()
    yaml.width = 1_000_000  # a field a line, however long
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(document, out)
    return "".join(f"# {_short_line(line)}\n" for line in header) + out.getvalue()


def _short_line(line: str) -> str:
    return _collapse(_printable(line))[:200]


def _block(key: str, value: Any) -> Any:
    """`fields` and `vendor` spread over lines; all within them, and any other list, is on one."""
    if key == "fields":
        return CommentedSeq(_flow(item) for item in value)
    if key == "vendor":
        return CommentedMap((name, _scalar(setting)) for name, setting in value.items())
    return _flow(value)


def _flow(value: Any) -> Any:
    if isinstance(value, Mapping):
        mapping = CommentedMap((key, _flow(item)) for key, item in value.items())
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq(_flow(item) for item in value)
        sequence.fa.set_flow_style()
        return sequence
    return _scalar(_printable(value).replace("${", "$ {")) if isinstance(value, str) else value


def _scalar(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT
    return text if plain else DoubleQuotedScalarString(text)


def _printable(text: str) -> str:
    """Without the characters that YAML cannot hold and terminals obey; line ends, wide spaces and joiners stay."""
    return "".join(c for c in text if c.isprintable() or c in "\n\u200c\u200d" or unicodedata.category(c) == "Zs")


def _line(text: str) -> str:
    return _printable(text).replace("\n", "").strip()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
