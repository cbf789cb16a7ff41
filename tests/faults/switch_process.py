"""The scripted switch as a process of its own, behind the control door that the media process has.

Started as `python -m tests.faults.switch_process NODE PORT` with Tieline's environment. `POST /far` lets a far
end act: `{"act": "hang_up", "leg_id": ...}`; `GET /asked` lists the commands that came.
"""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from tieline.db.database import Database
from tieline.media import _heartbeat
from tieline.settings import read_settings
from tieline.switches import control_key
from tieline.telephony.media import control_door
from tieline.telephony.scripted import ScriptedSwitch


async def run(node: str, port: int) -> None:
    """Serve until killed."""
    settings = read_settings()
    switch = ScriptedSwitch(node=node)

    async def far(request: Request) -> Response:
        body = await request.json()
        done = body["leg_id"] in switch.board.legs
        if done:
            getattr(switch, body["act"])(body["leg_id"])
        return JSONResponse({"done": done})

    async def asked(_: Request) -> Response:
        return JSONResponse([[c.command_id, c.verb] for c in switch.commands])

    async def forget(_: Request) -> Response:
        switch.commands.clear()
        return JSONResponse({})

    app = Starlette(
        routes=[
            Route("/forget", forget, methods=["POST"]),
            Route("/far", far, methods=["POST"]),
            Route("/asked", asked),
            Mount("/", control_door(switch, switch.journal, control_key(settings))),
        ]
    )
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, ws="none")
    )
    db = Database(settings.database_url, pool_size=1)
    beating = asyncio.create_task(_heartbeat(db, node, switch.journal.epoch, f"http://127.0.0.1:{port}"))
    await server.serve()
    beating.cancel()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2])))
