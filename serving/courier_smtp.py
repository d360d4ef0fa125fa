"""Messages as e-mails, over SMTP: a refusal of 5xx is for good, one of 4xx for now."""

from aiosmtplib import errors

from serving.claims import Claim
from serving.endpoints import Smtp
from serving.mail_connections import MailConnections
from serving.mime import NoEmail, email, recipient
from serving.rendered import Rendered
from serving.retry import Answer


async def send_mail(claim: Claim, endpoint: Smtp, connections: MailConnections) -> Answer:
    """Send a message to the person whom its rendering names."""
    rendered = claim.rendered or Rendered()
    try:
        to = recipient(rendered)
        sent = email(
            rendered,
            to,
            sender=endpoint.sender,
            reply_to=endpoint.reply_to,
            message_id=claim.message_id,
            at=claim.enqueued_at,
        )
    except NoEmail as error:
        return Answer(None, str(error), refused=True)
    try:
        async with connections.lent(endpoint) as client:
            await client.sendmail(endpoint.sender.addr_spec, [to.addr_spec], sent)
    except errors.SMTPException as error:
        return _failure(error)
    return Answer(250)


def _failure(error: errors.SMTPException) -> Answer:
    match error:
        case errors.SMTPTimeoutError():
            raise TimeoutError from error
        case errors.SMTPRecipientsRefused(recipients=[first, *_]):
            return _refusal("the recipient", first.code, refused=first.code >= 500)
        case errors.SMTPDataError():
            return _refusal("the message", error.code, refused=error.code >= 500)
        # What is wrong with the configuration is no fault of the message: it waits until that is mended.
        case errors.SMTPAuthenticationError():
            return _refusal("the login", error.code)
        case errors.SMTPSenderRefused():
            return _refusal("the sender", error.code)
        case errors.SMTPResponseException():
            return _refusal("to go on", error.code)
        case errors.SMTPConnectError() | errors.SMTPServerDisconnected():
            cause = error.__cause__ or error.__context__ or error
            return Answer(None, f"no connection: {type(cause).__name__}")
    return Answer(None, f"not delivered: {type(error).__name__}")


def _refusal(what: str, code: int, *, refused: bool = False) -> Answer:
    # No answer that says no is a success, whatever its number.
    return Answer(code if code >= 400 else None, f"the mail server refused {what}: {code}", refused=refused)
