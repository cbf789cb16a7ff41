"""An office for tests of sharing: four users, four roles, a queue with a group inside, cases of each owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from .conftest import ADMIN, World, client_of
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_permissions import new_user
from .test_rest import DATA, make, soql

NAMES = ("a", "b", "c", "d")
ROLES = 4
DEFAULTS = ("Private", "Read", "ReadWrite")


def share(sharing: str) -> bytes:
    text = f"<CustomObject {NS}><sharingModel>{sharing}</sharingModel></CustomObject>"
    return archive({"package.xml": manifest(CustomObject=["Case"]), "objects/Case.object": text})


@dataclass
class Office:
    """Four users, four roles, a queue with a group inside, and one case of each owner."""

    users: list[str] = field(default_factory=list[str])
    roles: list[str] = field(default_factory=list[str])
    queue: str = ""
    group: str = ""
    cases: dict[str, str] = field(default_factory=dict[str, str])
    clients: list[httpx2.AsyncClient] = field(default_factory=list[httpx2.AsyncClient])
    admin: httpx2.AsyncClient = field(default_factory=httpx2.AsyncClient)

    async def arrange(
        self, parents: list[int | None], roles: list[int | None], direct: set[int], grouped: set[int]
    ) -> None:
        """Parents of roles, roles of users, members of the queue and of the group in it, as asked for; no shares."""
        path = f"{DATA}/sobjects"
        left = await soql(self.admin, "SELECT Id FROM CaseShare WHERE RowCause = 'Manual'")
        for row in left["records"]:
            assert (await self.admin.delete(f"{path}/CaseShare/{row['Id']}")).status_code == 204
        for role in self.roles:
            await self.patch("UserRole", role, ParentRoleId=None)
        for number, parent in enumerate(parents):
            if parent is not None:
                await self.patch("UserRole", self.roles[number], ParentRoleId=self.roles[parent])
        for user, role in zip(self.users, roles, strict=True):
            await self.patch("User", user, UserRoleId=None if role is None else self.roles[role])
        rows = await soql(self.admin, "SELECT Id, UserOrGroupId FROM GroupMember")
        for row in rows["records"]:
            if row["UserOrGroupId"].startswith("005"):
                await self.admin.delete(f"{path}/GroupMember/{row['Id']}")
        for group, members in ((self.queue, direct), (self.group, grouped)):
            for member in sorted(members):
                await make(self.admin, "GroupMember", GroupId=group, UserOrGroupId=self.users[member])

    async def patch(self, name: str, record_id: str, **fields: Any) -> None:
        answer = await self.admin.patch(f"{DATA}/sobjects/{name}/{record_id}", json=fields)
        assert answer.status_code == 204, answer.text


@asynccontextmanager
async def an_office(world: World) -> AsyncIterator[Office]:
    """The office, with cases open to all again afterwards."""
    office = Office(admin=await client_of(world, ADMIN))
    for name in NAMES:
        office.users.append(await new_user(world, f"{name}@office.example"))
        office.clients.append(await client_of(world, f"{name}@office.example"))
    for number in range(ROLES):
        office.roles.append(await make(office.admin, "UserRole", Name=f"Role {number}"))
    office.queue = await make(office.admin, "Group", Name="Hotline", Type="Queue")
    await make(office.admin, "QueueSobject", QueueId=office.queue, SobjectType="Case")
    office.group = await make(office.admin, "Group", Name="Helpers", Type="Regular")
    await make(office.admin, "GroupMember", GroupId=office.queue, UserOrGroupId=office.group)
    for owner in (*office.users, office.queue):
        office.cases[owner] = await make(office.admin, "Case", Subject="shared", OwnerId=owner)
    yield office
    result = await deploy(office.admin, share("ReadWrite"))
    assert result["success"]
    for http in (*office.clients, office.admin):
        await http.aclose()


@asynccontextmanager
async def private_cases(office: Office) -> AsyncIterator[Office]:
    """Cases private, nobody above anybody, the queue empty."""
    await office.arrange([None] * ROLES, [None] * len(NAMES), set(), set())
    assert (await deploy(office.admin, share("Private")))["success"]
    yield office
    assert (await deploy(office.admin, share("ReadWrite")))["success"]
