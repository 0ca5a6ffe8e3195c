"""Tells a person what needs one: a paused vendor, dead or held leads, a queue that ages, a form gone silent."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from leadferry import outbox, reports
from leadferry.config import Settings
from leadferry.delivery import Office
from leadferry.explain import what_happened, what_to_do
from leadferry.leads import iso
from leadferry.transport import TransportError
from leadferry.vendors.base import Destination, Request, Secret, Template, one_line

log = logging.getLogger("leadferry.alerts")

QUIET = 3600.0
"""Seconds in which one cause is reported once at most."""

REMINDER = 86_400.0
QUEUE_AGE = 900.0
"""Seconds after which a lead that waits, though its vendor works, is worth a word."""

HISTORY_DAYS = 28
SILENT_HOURS = (3, 6, 12, 24, 48, 96)
SURE = 7.0
"""A silence counts when so many leads were to be expected: by chance that happens once in a thousand times."""


@dataclass(frozen=True)
class Alert:
    """One cause. ``mark`` changes when the cause is a new one: the start of a pause, the number of dead leads."""

    cause: str
    mark: str
    text: str


class Alerts:
    """Looks for causes and reports the new ones together."""

    def __init__(self, settings: Settings, office: Office) -> None:
        self._settings = settings
        self._office = office

    def find(self) -> list[Alert]:
        now = self._office.store.now()
        return [*self._paused(), *self._stuck(), *self._old_queue(now), *self._silent_forms(now)]

    def report(self, found: Sequence[Alert]) -> list[Alert]:
        """Sends what was not sent in the last hour. Returns what was sent."""
        due = [alert for alert in found if self._is_due(alert)]
        if not due:
            return []
        for alert in due:
            log.warning("alert", extra={"cause": alert.cause})
        sent = [way(due) for way in self._ways()]
        if not sent or any(sent):
            reports.note_alerts(self._office.store, [(alert.cause, alert.mark) for alert in due])
        return due

    def _is_due(self, alert: Alert) -> bool:
        return reports.alert_is_due(self._office.store, alert.cause, alert.mark, quiet=QUIET, reminder=REMINDER)

    # --- causes ---

    def _paused(self) -> Iterable[Alert]:
        for waiting in outbox.waiting(self._office.store):
            if waiting.waiting == "misconfigured":
                form, _, name = waiting.account.partition("/")
                destination, vendor = self._destination(form, name)
                count = reports.waiting_leads(self._office.store, waiting.account)
                happened = what_happened(waiting.reason, vendor)
                todo = what_to_do(waiting.reason, vendor, form, destination)
                words = f" It says: {one_line(waiting.words)}" if waiting.words else ""
                yield Alert(
                    f"paused {waiting.account}",
                    f"{waiting.reason} {waiting.since}",
                    f"{form}: {happened}{words} {_leads(count)} of this form wait. {todo}",
                )

    def _stuck(self) -> Iterable[Alert]:
        for each in reports.stuck(self._office.store):
            form, _, name = each.account.partition("/")
            _, vendor = self._destination(form, name)
            resend = f"flask leads resend --form {form} --state dead"
            ending = (
                f"nobody knows whether {vendor} has them. Look at each: flask leads list --form {form} --state held"
                if each.state == "held"
                else f"{vendor} did not take them in a day. Send them again: {resend}"
            )
            text = f"{form}: {_leads(each.leads)} {each.state}: {ending}"
            yield Alert(f"{each.state} {each.account}", f"{each.leads} {each.last}", text)

    def _old_queue(self, now: float) -> Iterable[Alert]:
        oldest = reports.oldest_waiting(self._office.store)
        if oldest is not None and now - oldest > QUEUE_AGE:
            minutes = round((now - oldest) / 60)
            yield Alert(
                "queue",
                "old",
                f"The oldest lead has been waiting for {minutes} minutes, since {iso(oldest)}. "
                "See why: flask leads list --state pending",
            )

    def _silent_forms(self, now: float) -> Iterable[Alert]:
        for form in self._office.catalog.all():
            hours = silent_hours(reports.received_by_hour(self._office.store, form, now, HISTORY_DAYS * 24))
            if hours:
                yield Alert(
                    f"silent {form}",
                    "silent",
                    f"{form}: no lead for {hours} hours, in which it usually gets some. Open the page and send a test.",
                )

    def _destination(self, form: str, name: str) -> tuple[Destination | None, str]:
        found = self._office.catalog.all().get(form)
        for destination in getattr(found, "destinations", ()):
            if destination.name == name:
                return destination, self._office.adapters[destination.adapter].label
        return None, "The vendor"

    # --- ways ---

    def _ways(self) -> list[Callable[[Sequence[Alert]], bool]]:
        ways: list[Callable[[Sequence[Alert]], bool]] = []
        if self._settings.alert_webhook_url:
            ways.append(self._by_webhook)
        if self._settings.alert_email and self._settings.smtp_url:
            ways.append(self._by_email)
        return ways

    def _by_webhook(self, alerts: Sequence[Alert]) -> bool:
        now = self._office.store.now()
        secret = "ALERT_WEBHOOK_SECRET"  # noqa: S105  # its name
        request = Request(
            url=self._settings.alert_webhook_url or "",
            json={
                "type": "leadferry.alert",
                "timestamp": iso(now),
                "alerts": [{"cause": alert.cause, "text": alert.text} for alert in alerts],
            },
            sign=Template((Secret(secret),)) if self._settings.secret(secret) else None,
            message_id=f"alert-{int(now * 1000)}",
        )
        try:
            answer = self._office.transport.send(request, lambda name: self._settings.secret(name) or "", 10)
        except TransportError as error:
            log.warning("alert webhook failed", extra={"reason": error.reason.value})
            return False
        return 200 <= answer.status < 300

    def _by_email(self, alerts: Sequence[Alert]) -> bool:
        message = EmailMessage()
        subject = one_line(alerts[0].text, 120) if len(alerts) == 1 else f"{len(alerts)} things to look at"
        message["Subject"] = f"Leadferry: {subject}"
        message["From"] = "Leadferry <leadferry@localhost>"
        message["To"] = self._settings.alert_email or ""
        message.set_content("\n\n".join(alert.text for alert in alerts) + "\n")
        try:
            send_email(self._settings.smtp_url or "", message)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("alert e-mail failed", extra={"reason": type(error).__name__})
            return False
        return True


def _leads(count: int) -> str:
    return "1 lead" if count == 1 else f"{count} leads"


def send_email(url: str, message: EmailMessage) -> None:
    """Sends by ``smtp://`` (STARTTLS where it is offered) or ``smtps://``.

    Raises:
        OSError, smtplib.SMTPException: it was not sent.
    """
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    secure = parts.scheme == "smtps"
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if secure:
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=10, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=10)
    with server:
        server.ehlo()
        if not secure and server.has_extn("starttls"):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        if parts.username and "@" in unquote(parts.username):
            message.replace_header("From", f"Leadferry <{unquote(parts.username)}>")
        server.send_message(message)


# --- silence ---


def silent_hours(by_hour: Sequence[int]) -> int:
    """For how many hours a form has been silent beyond chance, or 0.

    What was to be expected is the mean of the same hours of the weeks before, so a night or a weekend that is always
    quiet is no alarm.
    """
    for hours in SILENT_HOURS:
        if sum(by_hour[-hours:]):
            return 0
        weeks = [by_hour[-hours - week * 168 : len(by_hour) - week * 168] for week in range(1, len(by_hour) // 168)]
        expected = sum(map(sum, weeks)) / max(1, len(weeks))
        if expected >= SURE and all(sum(week) > 0 for week in weeks[:2]):
            return hours
    return 0
