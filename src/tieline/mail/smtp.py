"""Handing a letter to a mail server, and what its refusals mean."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from uuid import UUID

from tieline.mail.letter import Letter
from tieline.settings import MailSettings, Smtp

TIMEOUT_S = 20.0


class NotSent(Exception):
    """The server did not take the letter; `code` says why, `final` that trying again is of no use."""

    def __init__(self, code: str, *, final: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.final = final


def message(settings: MailSettings, id: UUID, to: str, letter: Letter) -> EmailMessage:
    """The letter as it travels. Its id is the row's: a server that is given it twice can tell."""
    made = EmailMessage()
    made["From"] = settings.sender
    made["To"] = to
    made["Subject"] = letter.subject
    made["Date"] = formatdate()
    made["Message-ID"] = f"<{id}@{parseaddr(settings.sender)[1].rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text)
    made.add_alternative(letter.html, subtype="html")
    return made


def send(smtp: Smtp, mail: EmailMessage) -> None:
    """Hand a mail over; waits for the network. Raises `NotSent`."""
    try:
        with _session(smtp) as server:
            if smtp.username:
                server.login(smtp.username, smtp.password)
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        worst = max((code for code, _ in error.recipients.values()), default=550)
        raise NotSent("recipient_refused", final=worst >= 500) from error
    except smtplib.SMTPDataError as error:
        raise NotSent("content_refused", final=error.smtp_code >= 500) from error
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent("sign_in_refused") from error
    except smtplib.SMTPSenderRefused as error:
        raise NotSent("sender_refused") from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotSent("not_supported") from error
    except ssl.SSLError as error:
        raise NotSent("certificate_refused") from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent("unreachable") from error
    except UnicodeError as error:
        raise NotSent("recipient_refused", final=True) from error


def check(smtp: Smtp) -> None:
    """Reach the server and sign in, without a mail. Raises `NotSent`."""
    try:
        with _session(smtp) as server:
            if smtp.username:
                server.login(smtp.username, smtp.password)
            server.noop()
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent("sign_in_refused") from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotSent("not_supported") from error
    except ssl.SSLError as error:
        raise NotSent("certificate_refused") from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent("unreachable") from error


def _session(smtp: Smtp) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if smtp.security == "tls":
        return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT_S)
    if smtp.security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server
