"""The snippet doctor: what a form noticed about the page that it stands on, what that means, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadferry.languages import Sentence, sentence

SNIPPET = 1
"""Goes up when a snippet that was pasted earlier should be pasted anew."""

HEIGHT_DIFFERS = 48
"""Pixels by which the height that a snippet reserves may differ from what the form needs by now."""

LONGEST = 300
MENDED_AFTER = 2 * 86_400.0
"""Seconds before the latest post of a page in which a fault must have been noticed, or it is there no more."""

Heights = Mapping[str, int]
"""Pixels that a snippet of the form would reserve now, by its way."""

_KNOWN: Mapping[str, str] = {
    # what static/form.js writes into the control field of a post: name -> what its value may be
    "depth": r"[0-3]",  # frames around the form: 0 is its own page, 1 a frame of the page, more a builder's
    "script": r"[01]",  # whether embed.js of that page has answered
    "opaque": r"[01]",  # a sandbox without allow-same-origin
    "stuck": r"[01]",  # the page could not be moved to the next one
    "top": r"[a-z0-9.\-]{1,100}",  # the host of the page around all frames, if it is another than the page's
    "snippet": r"(?:script|iframe|embed)-[0-9]{1,3}(?:-[0-9]{1,5})?",  # the frame's name: way, version, height
    # what the server adds
    "way": r"frame|plain|pasted",
    "address": r"none|site",
}


@dataclass(frozen=True)
class Facts:
    """What was noticed at one post.

    ``way``: `frame`; `plain`, a frame without scripts; `pasted`, a form in the page itself. ``address`` is `site` or
    `none` where the page's own address is not known whole. ``snippet`` is the way, version and height that was pasted.
    """

    way: str = "frame"
    depth: int = 1
    script: bool = False
    opaque: bool = False
    stuck: bool = False
    top: str = ""
    snippet: str = ""
    address: str = ""

    @property
    def text(self) -> str:
        said = {
            "way": self.way,
            "depth": self.depth,
            "script": int(self.script),
            "opaque": int(self.opaque),
            "stuck": int(self.stuck),
            "top": self.top,
            "snippet": self.snippet,
            "address": self.address,
        }
        return " ".join(f"{name}={value}" for name, value in said.items() if value != "")

    @property
    def pasted_way(self) -> str:
        return self.snippet.partition("-")[0]

    @property
    def version(self) -> int:
        parts = self.snippet.split("-")
        return int(parts[1]) if len(parts) > 1 else 0

    @property
    def height(self) -> int | None:
        parts = self.snippet.split("-")
        return int(parts[2]) if len(parts) > 2 else None


def read_facts(text: str, **more: str) -> Facts:
    """What a page says of itself, ``more`` put over it; whatever does not look like a fact is left out."""
    pairs = [each.partition("=") for each in text[:LONGEST].split()]
    said = {name: value for name, _, value in pairs if name in _KNOWN and re.fullmatch(_KNOWN[name], value)}
    said |= more
    return Facts(
        way=said.get("way", "frame"),
        depth=int(said.get("depth", "1")),
        script=said.get("script") == "1",
        opaque=said.get("opaque") == "1",
        stuck=said.get("stuck") == "1",
        top=said.get("top", ""),
        snippet=said.get("snippet", ""),
        address=said.get("address", ""),
    )


# --- findings ---


@dataclass(frozen=True)
class Kind:
    """One thing that can be found. ``tone`` is bad, warn or info; ``share`` is from which part of the posts on."""

    name: str
    tone: str
    title: Sentence
    means: Sentence
    mend: Sentence
    found: Callable[[Facts, Heights], bool]
    share: float = 0.0


def _is_script_blocked(facts: Facts, _heights: Heights) -> bool:
    return facts.way == "frame" and not facts.script and facts.pasted_way == "script"


def _is_old(facts: Facts, _heights: Heights) -> bool:
    return facts.way == "frame" and facts.version < SNIPPET


def _is_of_another_height(facts: Facts, heights: Heights) -> bool:
    needed = heights.get(facts.pasted_way)
    return facts.height is not None and needed is not None and abs(facts.height - needed) > HEIGHT_DIFFERS


KINDS: Sequence[Kind] = (
    Kind(
        "stuck",
        "bad",
        sentence("The page does not let the form move on"),
        sentence(
            "It stands in a sandboxed frame without top navigation. The lead arrives, but the visitor sees a "
            "button in the form’s box instead of your thank-you page."
        ),
        sentence(
            "Add allow-top-navigation-by-user-activation to the frame’s sandbox; or paste the snippet into a "
            "block that puts code into the page itself; or take on_success_url out of the form, so that it thanks"
            " in its place."
        ),
        lambda facts, _: facts.stuck,
    ),
    Kind(
        "no scripts",
        "bad",
        sentence("No script runs in the form’s frame"),
        sentence(
            "A sandboxed frame without allow-scripts. The form works plainly: no steps, no checks before it is "
            "sent, no campaign of the page."
        ),
        sentence(
            "Add allow-scripts and allow-forms to the frame’s sandbox, or paste the snippet into a block for code."
        ),
        lambda facts, _: facts.way == "plain",
        share=0.5,
    ),
    Kind(
        "script blocked",
        "bad",
        sentence("The snippet’s script does not run"),
        sentence(
            "The frame loads, embed.js does not answer. The form’s height does not follow, and the campaign is "
            "what the browser tells of the page’s address."
        ),
        sentence(
            "Let this host into the page’s script-src; allow the script in the page’s consent tool; keep plug-ins"
            " from delaying it. A blocker that lists this host is left behind by a host name of the page’s own "
            "domain."
        ),
        _is_script_blocked,
        share=0.5,
    ),
    Kind(
        "query missing",
        "warn",
        sentence("The page’s address does not reach the form"),
        sentence("The site builder’s own frame hides it, so leads come without their campaign."),
        sentence(
            "Paste the snippet into a block that puts code into the page itself. Where there is none, write the "
            "campaign into the frame’s address (?utm_source=…), or link to the form’s own page."
        ),
        lambda facts, _: facts.way != "pasted" and bool(facts.address),
        share=0.5,
    ),
    Kind(
        "opaque",
        "warn",
        sentence("The frame is sandboxed without its own origin"),
        sentence("Leads arrive. Browsers tell the form less about the page, and password managers do not fill it in."),
        sentence("Add allow-same-origin to the frame’s sandbox, if the site builder lets you."),
        lambda facts, _: facts.opaque,
        share=0.5,
    ),
    Kind(
        "old",
        "warn",
        sentence("An old snippet"),
        sentence("It was pasted before today’s snippets, which reserve the right height and tell more."),
        sentence("Copy the snippet anew and paste it in place of the old one."),
        _is_old,
        share=0.5,
    ),
    Kind(
        "height",
        "warn",
        sentence("The snippet reserves another height than the form has now"),
        sentence("The form was changed since it was pasted, so the page moves when the form loads."),
        sentence("Copy the snippet anew and paste it in place of the old one."),
        _is_of_another_height,
        share=0.5,
    ),
    Kind(
        "nested",
        "info",
        sentence("The site builder puts the form into a frame of its own"),
        sentence("Its height cannot follow beyond that frame: visitors may have to scroll inside."),
        sentence(
            "Make the builder’s frame as tall as the form on a phone with all its errors, or use a block that "
            "puts code into the page itself."
        ),
        lambda facts, _: facts.way == "frame" and facts.depth > 1,
        share=0.5,
    ),
)

NO_TRIES = Kind(
    "no tries",
    "bad",
    sentence("Seen, but nobody sends it"),
    sentence("Visitors load the form on this page, and not one of them has tried to send it."),
    sentence(
        "Open the page and send a test. A sandboxed frame without allow-forms or allow-scripts, or a box that"
        " is too low to show the button, looks just like this."
    ),
    lambda _facts, _heights: False,
)
VIEWS_WITHOUT_TRY = 50

WAYS: Mapping[str, Sentence] = {
    "script": sentence("Frame and script"),
    "iframe": sentence("Frame alone"),
    "embed": sentence("Script alone"),
    "pasted": sentence("Plain HTML"),
    "plain": sentence("Frame, no scripts"),
    "frame": sentence("Frame"),
}


@dataclass(frozen=True)
class Noticed:
    """The same facts at ``posts`` posts."""

    facts: Facts
    posts: int
    last: float


@dataclass(frozen=True)
class Finding:
    kind: Kind
    posts: int
    of: int
    last: float


def findings(noticed: Iterable[Noticed], heights: Heights) -> list[Finding]:
    """What is wrong with a page, the worst first.

    Some visitors block scripts wherever they are: what depends on the visitor too is the page's fault only where it
    was so for a good part of them. What was not noticed in the last days of posts has been mended.
    """
    known = list(noticed)
    latest = max((each.last for each in known), default=0.0)
    seen = [each for each in known if each.last >= latest - MENDED_AFTER]
    of = sum(each.posts for each in seen if not each.facts.stuck)  # that is told once more, after the post
    found = []
    for kind in KINDS:
        hit = [each for each in seen if kind.found(each.facts, heights) and each.facts.stuck <= (kind.name == "stuck")]
        posts = sum(each.posts for each in hit)
        if posts and posts >= kind.share * of:
            found.append(Finding(kind, posts, max(posts, of), max(each.last for each in hit)))
    return found


def way_of(noticed: Iterable[Noticed]) -> Sentence:
    """How the form got onto the page, by the latest post."""
    latest = max(noticed, key=lambda each: each.last).facts
    return WAYS[latest.pasted_way or latest.way]
