"""Where identity providers send people back to: `/services/authcallback/{provider}` at the sign-in origin."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..sign_in import auth
from ..sign_in.door import refuse
from ..web import MY_COOKIE, cookie_of, lightning_origin, org_of, place_of, redirect
from .definitions import CredentialMissing
from .outside import Unreachable
from .tokens import NoAccess, Refused, flow_of

_LONGEST = 2000


async def returned(request: Request) -> Response:
    """Exchanges the code and leads back to the page that began; `error` in its address says why nothing was allowed."""
    org = org_of(request)
    query = request.query_params
    state, code, error = (query.get(name, "")[:_LONGEST] for name in ("state", "code", "error"))
    if place_of(request) != "my":
        return refuse(request, "error_not_found", status=404)
    async with org.connection() as conn:
        session = await auth.find_session(conn, "my", cookie_of(request, MY_COOKIE))
        if session is None:
            return refuse(request, "error_flow", status=403)
        try:
            flow = await flow_of(org, conn, session.caller, state)
        except (CredentialMissing, NoAccess):
            flow = None
    if flow is None or flow.principal.provider.name != request.path_params["provider"]:
        return refuse(request, "error_flow", status=403)
    if not error and not code:
        error = "invalid_request"
    if not error:
        try:
            await flow.principal.finish(code, flow.verifier, session.caller.user_id)
        except Refused as refused:
            error = refused.error
        except (Unreachable, CredentialMissing):
            error = "temporarily_unavailable"
    to = lightning_origin(request) + flow.return_path
    if error:
        to += ("&" if "?" in to else "?") + urlencode({"error": error[:80]})
    return redirect(to)


ROUTES = [Route("/services/authcallback/{provider}", returned)]
